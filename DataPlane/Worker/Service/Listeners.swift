import ClusterModel
import Daemon
import Glibc
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import Observability
import RTMPServer
import RelayService
import SRTServer
import Settings
import WebRTCServer

/// Opens a worker's ports, names the flag of the one that cannot be had, and tells what is off.
struct Listeners {
    let configuration: WorkerConfiguration
    let group: any EventLoopGroup
    let logger: Logger
    private(set) var channels: [any Channel] = []
    private var srt: SRTServer?

    init(configuration: WorkerConfiguration, group: any EventLoopGroup, logger: Logger) {
        self.configuration = configuration
        self.group = group
        self.logger = logger
    }

    mutating func open(
        http: MediaHTTPServer,
        rtmp: RTMPServer,
        relay: RelayService,
        srt: SRTServer,
        webRTC: WebRTCServer,
        agent: AgentServer,
        tls certificates: Certificates
    ) async throws {
        let tls = try certificates.serverContext()
        let ports = configuration.ports
        let host = configuration.bindAddress
        let group = group
        try await open("http-port", ports.http) { try await http.listen(host: host, port: $0, on: group) }
        try await open("rtmp-port", ports.rtmp) { try await rtmp.listen(host: host, port: $0, on: group) }
        let relayTLS = configuration.requiresRelayTLS ? tls : nil
        try await open("relay-port", ports.relay) {
            try await relay.listen(host: host, port: $0, on: group, tls: relayTLS)
        }
        if let tls {
            try await open("https-port", ports.https) {
                try await http.listen(host: host, port: $0, on: group, tls: tls)
            }
            try await open("rtmps-port", ports.rtmps) {
                try await rtmp.listen(host: host, port: $0, on: group, tls: tls)
            }
        } else {
            logger.notice("HTTPS and RTMPS are off: set --tls-cert and --tls-key to have them")
        }
        try await open("agent-port", ports.agent) { try await agent.listen(host: host, port: $0, on: group) }
        try await open(srt)
        let addresses = await Addresses.candidates(
            named: configuration.publicHost ?? configuration.advertise ?? Addresses.advertised(),
            bound: host
        )
        try await open("webrtc-port", ports.webrtc) {
            try await webRTC.listen(host: host, port: $0, addresses: addresses, on: group)
        }
    }

    func close() async {
        await srt?.close()
        for channel in channels { _ = try? await channel.close().get() }
    }

    /// The addresses to register: only what listens.
    func addresses() -> NodeAddresses {
        let ports = configuration.ports
        var addresses = NodeAddresses(host: configuration.advertise ?? Addresses.advertised())
        addresses.publicHost = configuration.publicHost
        addresses.http = ports.http.listening
        addresses.rtmp = ports.rtmp.listening
        addresses.relay = ports.relay.listening
        if addresses.relay != nil, configuration.requiresRelayTLS { addresses.relayTLS = true }
        addresses.srt = srt == nil ? nil : ports.srt.listening
        addresses.agent = ports.agent.listening
        addresses.webrtc = ports.webrtc.listening
        if configuration.tls != nil {
            addresses.https = ports.https.listening
            addresses.rtmps = ports.rtmps.listening
        }
        return addresses
    }

    private mutating func open(_ flag: String, _ port: Int, _ bind: (Int) async throws -> any Channel) async throws {
        guard port != 0 else { return logger.notice("--\(flag) is 0: off") }
        do {
            channels.append(try await bind(port))
        } catch { throw await cannotListen(flag, port, error) }
        tellListening(flag, port)
    }

    /// libsrt has threads of its own: no channel and no event loop.
    private mutating func open(_ server: SRTServer) async throws {
        let port = configuration.ports.srt
        guard port != 0 else { return logger.notice("--srt-port is 0: off") }
        do {
            try server.listen(
                host: configuration.bindAddress,
                port: port,
                latency: configuration.srtLatency,
                passphrase: configuration.srtPassphrase,
                // Half the loops: sending by SRT is copying, the rest is libsrt's own threads'.
                sendThreads: ((configuration.threads ?? System.coreCount) + 1) / 2
            )
        } catch { throw await cannotListen("srt-port", port, error) }
        srt = server
        tellListening("srt-port", port)
    }

    private func tellListening(_ flag: String, _ port: Int) {
        logger.notice("Listening", metadata: [LogKeys.flag: "--\(flag)", LogKeys.port: "\(port)"])
    }

    /// A port that cannot be had ends the start: closes those that are open.
    private func cannotListen(_ flag: String, _ port: Int, _ error: any Error) async -> SettingsError {
        await close()
        let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
        return .conflict(
            setting: "--\(flag)",
            reason: "port \(port) cannot be listened on: \(reason); choose another or free it"
        )
    }
}

extension Int {
    fileprivate var listening: Int? { self == 0 ? nil : self }
}
