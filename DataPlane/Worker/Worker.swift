import Daemon
import Logging
import NIOCore
import NIOPosix
package import Observability
package import Settings

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
        guard let controlPlanes = await locateControlPlanes() else { return }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads ?? System.coreCount)
        let certificates = try Certificates(configuration)
        let node = try WorkerNode(
            configuration: configuration,
            controlPlanes: controlPlanes,
            trust: certificates.relayTrust(requiresTLS: configuration.requiresRelayTLS),
            group: group,
            metrics: metrics,
            logger: logger
        )
        var listeners = Listeners(configuration: configuration, group: group, logger: logger)
        try await listeners.open(
            http: node.http,
            rtmp: node.rtmp,
            relay: node.relay,
            srt: node.srt,
            webRTC: node.webRTC,
            agent: node.agent,
            tls: certificates
        )
        await stay(node.join(as: listeners.addresses()), certificates)
        node.endWebRTCSessions()
        await listeners.close()
        await node.close()
        try? await group.shutdownGracefully()
    }

    /// Nil when a signal came before any was found.
    private func locateControlPlanes() async -> LocatedControlPlanes? {
        let located = LocatedControlPlanes(configuration, logger: logger)
        let isFound = await withTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                await located.search()
                return true
            }
            tasks.addTask {
                await firstSignal()
                return false
            }
            defer { tasks.cancelAll() }
            return await tasks.next() ?? false
        }
        return isFound ? located : nil
    }

    private enum Ending {
        case superseded
        case signalled
    }

    /// Stays a member until a signal, then drains; heartbeats go on meanwhile.
    private func stay(_ membership: Membership, _ certificates: Certificates) async {
        let (configuration, logger) = (configuration, logger)
        let reload = SettingsReload(program: program, log: log, logger: logger) { values throws(SettingsError) in
            _ = try WorkerConfiguration(values)
            // The files' content may be new under the old names; new names and switches need a restart.
            try certificates.reload(configuration)
            logger.notice("Certificates read again")
        }
        let reloading = Task { await reload.follow(from: values) }
        defer { reloading.cancel() }
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
        let signals = Task { await StopSignals.follow { continuation.finish() } }
        for await _ in first {}
        if Task.isCancelled { signals.cancel() }
    }
}
