import Coordination
import Glibc
import Logging
import Observability
import ServiceLifecycle
import Settings
import UnixSignals

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
        Task {
            var count = 0
            for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                count += 1
                if count > 1 { exit(0) }
            }
        }
        try? await gracefulShutdown()
    }
}

/// SIGHUP: takes over what can change while running, and says what needs a restart.
struct SettingsReloader: Service {
    var program: Program
    var log: Log
    var logger: Logger
    var values: SettingsValues

    func run() async {
        await cancelWhenGracefulShutdown {
            var current = values
            for await _ in await UnixSignalsSequence(trapping: .sighup) { current = reload(current) }
        }
    }

    private func reload(_ current: SettingsValues) -> SettingsValues {
        do throws(SettingsError) {
            guard case .run(let values) = try program.read() else { return current }
            let configuration = try ControlPlaneConfiguration(values)
            let change = SettingsChange(from: current, to: values)
            log.level = configuration.logLevel
            for entry in change.live { logger.notice("Setting changed", metadata: [LogKeys.setting: "\(entry)"]) }
            for entry in change.needsRestart {
                logger.warning("Setting changes at the next start", metadata: [LogKeys.setting: "\(entry)"])
            }
            return values
        } catch {
            logger.error("Settings stay as they are", metadata: [LogKeys.error: "\(error)"])
            return current
        }
    }
}
