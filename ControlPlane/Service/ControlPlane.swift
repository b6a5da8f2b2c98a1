import API
import ClusterModel
import Coordination
import Daemon
import Domain
import Glibc
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
package import Observability
import ServiceLifecycle
package import Settings
import StoreSelection
import Timebase
import UnixSignals

/// Builds the control plane from its settings and runs it until it is told to stop.
package struct ControlPlane {
    private let program: Program
    private let values: SettingsValues
    private let configuration: ControlPlaneConfiguration
    private let metrics: PrometheusMetrics
    private let log: Log
    private let logger: Logger

    package init(
        program: Program,
        values: SettingsValues,
        configuration: ControlPlaneConfiguration,
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
        let store = try openStore()
        let tokens = try readTokens()
        let coordinator = Coordinator(
            store: MeasuredStore(store),
            hub: WatchHub(seed: Self.hubSeed()),
            relayKey: RelayKey(nodeToken: tokens.node),
            probe: RelayProbe.answers,
            logger: logger
        )
        let api = API(
            coordinator: coordinator,
            tokens: AccessTokens(node: tokens.node, admin: tokens.admin),
            renderMetrics: { [metrics] in metrics.render() }
        )
        do {
            try await serve(api, coordinator, discovery(tokens.node))
        } catch let error as IOError {
            await store.close()
            let reason = "\(configuration.listen) cannot be listened on: \(String(cString: strerror(error.errnoCode)))"
            throw SettingsError.conflict(setting: "--listen", reason: reason)
        }
        await store.close()
    }

    private func serve(_ api: API, _ coordinator: Coordinator, _ discovery: DiscoveryService) async throws {
        let listen = configuration.listen
        let application = Application(
            router: api.router(),
            server: try serverBuilder(),
            configuration: ApplicationConfiguration(address: .hostname(listen.host, port: listen.port)),
            onServerRunning: { [logger] channel in
                let address = channel.localAddress.map { "\($0.ipAddress ?? "?"):\($0.port ?? 0)" } ?? "?"
                logger.notice("Listening", metadata: [LogKeys.listen: "\(address)"])
            },
            logger: logger
        )
        let reload = SettingsReload(program: program, log: log, logger: logger) { values throws(SettingsError) in
            _ = try ControlPlaneConfiguration(values)
        }
        var group = ServiceGroupConfiguration(
            // Shut down in reverse order: watches end first, so that the listener need not wait for them.
            services: [
                discovery, StoreFollower(coordinator: coordinator), Housekeeper(coordinator: coordinator),
                Scaler(coordinator: coordinator), WebhookService(coordinator: coordinator, logger: logger), application,
                WatchCloser(hub: coordinator.hub), SecondSignalEnds(),
                SettingsReloader(reload: reload, values: values),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        group.maximumGracefulShutdownDuration = configuration.drainTimeout
        try await ServiceGroup(configuration: group).run()
    }

    private func discovery(_ nodeToken: String) -> DiscoveryService {
        DiscoveryService(
            listen: configuration.discovery ? configuration.listen : nil,
            scheme: configuration.tls == nil ? "http" : "https",
            key: Discovery.Key(nodeToken: nodeToken),
            logger: logger
        )
    }

    private func openStore() throws -> any ClusterStore {
        do throws(StoreError) {
            return try configuration.store.open()
        } catch {
            throw SettingsError.conflict(setting: "--store", reason: "\(error)")
        }
    }

    private func serverBuilder() throws -> HTTPServerBuilder {
        guard let files = configuration.tls else { return .http1() }
        do {
            return try .tls(tlsConfiguration: try files.serverConfiguration())
        } catch let error as SettingsError {
            throw error
        } catch {
            throw SettingsError.conflict(setting: "--tls-cert", reason: "the key does not fit: \(error)")
        }
    }

    private func readTokens() throws -> (node: String, admin: String) {
        let source = TokenSource(directory: configuration.store.tokenDirectory)
        do throws(TokenSource.Fault) {
            let node = try source.token(.node, given: configuration.nodeToken?.revealed)
            let admin = try source.token(.admin, given: configuration.adminToken?.revealed)
            show(node, "Node token")
            show(admin, "Admin token")
            return (node.value, admin.value)
        } catch {
            throw SettingsError.conflict(setting: "--node-token-file", reason: error.description)
        }
    }

    /// On a terminal, once; a log only gets to know the file.
    private func show(_ token: TokenSource.Token, _ name: String) {
        guard let file = token.newFile else { return }
        if isatty(STDOUT_FILENO) == 1 {
            program.show("\(name), shown only now and kept in \(file): \(token.value)\n")
        } else {
            logger.notice("\(name) made", metadata: [LogKeys.path: "\(file)"])
        }
    }

    /// Larger than every revision of an earlier process, and unlike that of another one now.
    private static func hubSeed() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        return milliseconds * 1000 + Int64.random(in: 0..<1000)
    }
}
