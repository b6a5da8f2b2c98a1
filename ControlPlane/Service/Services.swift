import Coordination
import Daemon
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

/// SIGHUP.
struct SettingsReloader: Service {
    var reload: SettingsReload
    var values: SettingsValues

    func run() async { await cancelWhenGracefulShutdown { await reload.follow(from: values) } }
}
