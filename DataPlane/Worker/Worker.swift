import Glibc
import Logging
import NIOCore
import NIOPosix
package import Observability
package import Settings
import UnixSignals

/// Builds a worker from its settings and runs it until it is told to stop.
package struct Worker {
    private let program: Program
    private let values: SettingsValues
    private let configuration: WorkerConfiguration
    private let metrics: PrometheusMetrics
    private let log: Log
    private let logger: Logger

    package init(
        program: Program,
        values: SettingsValues,
        configuration: WorkerConfiguration,
        metrics: PrometheusMetrics,
        log: Log
    ) {
        self.program = program
        self.values = values
        self.configuration = configuration
        self.metrics = metrics
        self.log = log
        logger = log.logger(program.name)
    }

    /// Returns after an orderly shutdown. Throws `SettingsError` for what shows only when a setting is put to use.
    package func run() async throws {
        for warning in configuration.warnings { logger.warning("\(warning)") }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads ?? System.coreCount)
        let node = try WorkerNode(configuration: configuration, group: group, metrics: metrics, logger: logger)
        var listeners = Listeners(configuration: configuration, group: group, logger: logger)
        try await listeners.open(http: node.http, rtmp: node.rtmp, relay: node.relay, agent: node.agent)
        await stay(node.join(as: listeners.addresses()))
        await listeners.close()
        node.client.shutdown()
        try? await group.shutdownGracefully()
    }

    private enum Ending {
        case superseded
        case signalled
    }

    /// Stays a member until a signal, then drains; heartbeats go on meanwhile.
    private func stay(_ membership: Membership) async {
        let reload = Task { await reloadSettings() }
        defer { reload.cancel() }
        await withTaskGroup(of: Ending.self) { tasks in
            tasks.addTask {
                await membership.run()
                return .superseded
            }
            tasks.addTask {
                await firstSignal()
                return .signalled
            }
            if await tasks.next() == .signalled {
                logger.notice("Draining; a second signal ends at once")
                await membership.drain(timeout: configuration.drainTimeout)
            }
            tasks.cancelAll()
        }
    }

    /// Returns at the first signal that asks to stop; the second one ends the process.
    private func firstSignal() async {
        let (first, continuation) = AsyncStream.makeStream(of: Void.self)
        let signals = Task {
            var count = 0
            for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                count += 1
                if count > 1 { exit(0) }
                continuation.finish()
            }
        }
        for await _ in first {}
        if Task.isCancelled { signals.cancel() }
    }

    private func reloadSettings() async {
        var current = values
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            do throws(SettingsError) {
                guard case .run(let values) = try program.read() else { continue }
                let changed = try WorkerConfiguration(values)
                let change = SettingsChange(from: current, to: values)
                log.level = changed.logLevel
                for entry in change.live { logger.notice("Setting changed", metadata: [LogKeys.setting: "\(entry)"]) }
                for entry in change.needsRestart {
                    logger.warning("Setting changes at the next start", metadata: [LogKeys.setting: "\(entry)"])
                }
                current = values
            } catch {
                logger.error("Settings stay as they are", metadata: [LogKeys.error: "\(error)"])
            }
        }
    }
}
