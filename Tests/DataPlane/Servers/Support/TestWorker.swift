import DTLS
import FanOut
import Foundation
import HTTPServer
import ICE
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Observability
import RTMP
import RTMPServer
import SRTP
import Streams
import Synchronization
import Timebase
import WebRTCServer

/// A worker's RTMP and HTTP servers on real loopback sockets, with a gate that the test decides for.
final class TestWorker: Sendable {
    struct Options {
        var rtmp = RTMPLimits()
        var fanOut = FanOutLimits()
        var http = HTTPLimits()
        var hls = HLSLimits()
        /// With WHIP and WHEP, on two loops.
        var webRTC: WebRTCLimits?
        var webRTCHost = "127.0.0.1"
        /// RTMPS and HTTPS instead of RTMP and HTTP.
        var tls: NIOSSLContext?
    }

    let gate = TestGate()
    let state = WorkerState()
    let meters: HTTPMeters
    let group: MultiThreadedEventLoopGroup
    let hls: HLSService
    let rtmpPort: Int
    let httpPort: Int
    /// 0 without WebRTC.
    let webRTCPort: Int
    private let listeners: [any Channel]

    init(_ options: Options = Options()) async throws {
        // Before anything counts: what is counted earlier is lost.
        _ = TestMetrics.shared
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        self.group = group
        meters = HTTPMeters()
        let (gate, state) = (gate, state)
        let log = Log(level: .debug, format: .text) { line in state.lines.withLock { $0.append(line) } }
        let rtmp = RTMPService(
            gate: gate,
            outlets: Self.outlets("rtmp", options.fanOut) { RTMPFormat() },
            logger: log.logger("rtmp"),
            limits: options.rtmp
        )
        let hls = HLSService(gate: gate, limits: options.hls)
        self.hls = hls
        let webRTC = try options.webRTC.map {
            try Self.webRTC(gate, log.logger("webrtc"), $0)
        }
        let http = MediaHTTPService(
            gate: gate,
            flv: Self.outlets("http-flv", options.fanOut) { FLVFormat() },
            hls: hls,
            logger: log.logger("http"),
            meters: meters,
            readiness: { state.readiness.withLock { $0 } },
            renderMetrics: { TestMetrics.shared.render() },
            controlPlaneURL: { "http://control.example:5070" },
            changeSettings: { _, authorization in .text(authorization ?? "none") },
            signalling: webRTC,
            webSocket: webRTC,
            isTrustedProxy: { _ in false },
            recordings: RecordedFiles(threads: .singleton) { [folder = state.recordings] app, name in
                "\(folder)/\(app)-\(name).mp4"
            },
            preview: { _ in nil }
        )
        let rtmpListener = try await RTMPServer(service: rtmp).listen(
            host: "127.0.0.1",
            port: 0,
            on: group,
            tls: options.tls
        )
        let httpListener = try await MediaHTTPServer(service: http, limits: options.http)
            .listen(host: "127.0.0.1", port: 0, on: group, tls: options.tls)
        var listeners = [rtmpListener, httpListener]
        var webRTCPort = 0
        // UDP and TCP on one number, which another process may take in between.
        for _ in 0..<20 where webRTC != nil && webRTCPort == 0 {
            guard let webRTC else { break }
            let probe = try await DatagramBootstrap(group: group).bind(host: options.webRTCHost, port: 0).get()
            let port = probe.localAddress?.port ?? 0
            try await probe.close().get()
            let opened = try? await WebRTCServer(service: webRTC)
                .listen(host: options.webRTCHost, port: port, addresses: [.v4(0x7F00_0001)], on: group)
            guard let opened else { continue }
            listeners.append(opened)
            webRTCPort = port
        }
        self.listeners = listeners
        self.webRTCPort = webRTCPort
        rtmpPort = rtmpListener.localAddress?.port ?? 0
        httpPort = httpListener.localAddress?.port ?? 0
    }

    private static func webRTC(
        _ gate: TestGate,
        _ logger: Logger,
        _ limits: WebRTCLimits
    ) throws -> WebRTCService {
        WebRTCService(
            WebRTCService.Parts(
                gate: gate,
                nodeID: "n1",
                outlets: PeerOutletTable(),
                egress: EgressMeter(protocolName: "webrtc"),
                dtls: try DTLSContext(),
                srtp: EVPSRTP(),
                ingestSRTP: try IngestSRTP(),
                logger: logger,
                wallClock: { WallTime(milliseconds: 1_000_000) },
                originOfNode: { _ in nil },
                limits: limits
            )
        )
    }

    private static func outlets<Format: WireFormat>(
        _ name: String,
        _ limits: FanOutLimits,
        make: @escaping @Sendable () -> Format
    ) -> OutletTable<Format> {
        let loads = LoopLoads()
        return OutletTable { stream in
            Outlet(
                stream: stream,
                limits: limits,
                loads: loads,
                meters: FanOutMeters(protocolName: name),
                makeFormat: make
            )
        }
    }

    /// Log lines that hold all of `words`.
    func logged(_ words: String...) -> Bool {
        state.lines.withLock { lines in lines.contains { line in words.allSatisfy(line.contains) } }
    }

    func stop() async throws {
        for listener in listeners { try await listener.close().get() }
        try await group.shutdownGracefully()
    }
}

/// What the test sees and sets of a running worker.
final class WorkerState: Sendable {
    let lines = Mutex<[String]>([])
    /// Folder of the recordings' files, named `app-name.mp4`.
    let recordings = FileManager.default.temporaryDirectory.appending(path: "recordings-\(UUID().uuidString)").path
    let readiness = Mutex(MediaHTTPService.Readiness.ready)
}
