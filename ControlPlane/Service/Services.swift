import ClusterModel
import Coordination
import Daemon
import Logging
import Observability
import ServiceLifecycle
import Settings

/// Follows the store, and notices when it goes away and comes back.
struct StoreFollower: Service {
    var coordinator: Coordinator

    func run() async { await cancelWhenGracefulShutdown { await coordinator.keepInStep() } }
}

/// Finishes and forgets streams whose time has come, and pings watchers.
struct Housekeeper: Service {
    var coordinator: Coordinator

    func run() async { await cancelWhenGracefulShutdown { await coordinator.keepHouse() } }
}

/// Decides how many nodes each group should have.
struct Scaler: Service {
    var coordinator: Coordinator

    func run() async { await cancelWhenGracefulShutdown { await coordinator.keepScale() } }
}

/// Ends all watches when the process shuts down: they are requests that never end by themselves.
struct WatchCloser: Service {
    var hub: WatchHub

    func run() async {
        try? await gracefulShutdown()
        hub.close()
    }
}

/// The second signal to stop does not wait for the shutdown the first one began.
struct SecondSignalEnds: Service {
    func run() async {
        // Not a child of this service: it must go on listening after the first signal has ended the service.
        Task { await StopSignals.follow() }
        try? await gracefulShutdown()
    }
}

/// Answers workers that look for a control plane. A port that is taken, by another control plane of this machine, turns
/// it off and stops nothing.
struct DiscoveryService: Service {
    /// Nil when it is off.
    var listen: ListenAddress?
    var scheme: String
    var key: Discovery.Key
    var logger: Logger

    func run() async {
        guard let listen, listen.port != 0 else { return await waitForShutdown() }
        do {
            let listener = try await DiscoveryListener(
                host: listen.host,
                port: Discovery.port,
                scheme: scheme,
                restPort: listen.port,
                key: key,
                logger: logger
            )
            await waitForShutdown()
            await listener.close()
        } catch {
            logger.warning(
                "Workers cannot find this control plane by --control discover",
                metadata: [LogKeys.port: "\(Discovery.port)/udp", LogKeys.error: "\(error)"]
            )
            await waitForShutdown()
        }
    }

    private func waitForShutdown() async { try? await gracefulShutdown() }
}

/// SIGHUP.
struct SettingsReloader: Service {
    var reload: SettingsReload
    var values: SettingsValues

    func run() async { await cancelWhenGracefulShutdown { await reload.follow(from: values) } }
}
