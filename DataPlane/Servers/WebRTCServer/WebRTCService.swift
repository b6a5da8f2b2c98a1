import ClusterModel
import Drivers
package import FanOut
import HTTPServer
import ICE
package import Logging
import Metrics
import NIOCore
import Observability
package import SecureTransport
package import Streams
import Synchronization
package import Timebase

/// What the WebRTC sessions of a worker share.
package final class WebRTCService: Sendable {
    package struct Parts: Sendable {
        package var gate: any StreamGate
        package var nodeID: String
        package var outlets: PeerOutletTable
        package var egress: EgressMeter
        package var dtls: any DTLSTransportFactory
        /// Of players' sessions.
        package var srtp: any SRTPFactory
        /// Of publishers' sessions.
        package var ingestSRTP: any SRTPFactory
        package var logger: Logger
        package var wallClock: @Sendable () -> WallTime
        /// The origin (`http://host:port`) of the node that has a session which is not ours.
        package var originOfNode: @Sendable (_ nodeID: String) async -> String?
        /// Told to clients.
        package var iceServers: [ICEServer]
        package var limits: WebRTCLimits

        package init(
            gate: any StreamGate,
            nodeID: String,
            outlets: PeerOutletTable,
            egress: EgressMeter,
            dtls: any DTLSTransportFactory,
            srtp: any SRTPFactory,
            ingestSRTP: any SRTPFactory,
            logger: Logger,
            wallClock: @escaping @Sendable () -> WallTime,
            originOfNode: @escaping @Sendable (String) async -> String?,
            iceServers: [ICEServer] = [],
            limits: WebRTCLimits = WebRTCLimits()
        ) {
            self.gate = gate
            self.nodeID = nodeID
            self.outlets = outlets
            self.egress = egress
            self.dtls = dtls
            self.srtp = srtp
            self.ingestSRTP = ingestSRTP
            self.logger = logger
            self.wallClock = wallClock
            self.originOfNode = originOfNode
            self.iceServers = iceServers
            self.limits = limits
        }
    }

    /// What is known once the port listens.
    struct Listening: Sendable {
        /// One socket a loop.
        var sockets: [PortSocket]
        var candidates: [Candidate]
    }

    let parts: Parts
    let directory = PeerDirectory()
    let connections = SessionCount(MetricNames.connections.gauge("webrtc"))
    let ingestBytes = MetricNames.ingestBytes.counter("webrtc")
    private let firstFrame = MetricNames.firstFrame.timer("webrtc")
    private let listening = Mutex<Listening?>(nil)
    private let nextSocket = Atomic<Int>(0)
    private let lines = RefusalLines()

    package init(_ parts: Parts) { self.parts = parts }

    var candidates: [Candidate] { listening.withLock { $0?.candidates ?? [] } }

    /// The socket of the loop that the next session lives on; nil while the port is closed.
    func takeSocket() -> PortSocket? {
        let turn = nextSocket.add(1, ordering: .relaxed).oldValue
        return listening.withLock { listening in
            listening.flatMap { $0.sockets.isEmpty ? nil : $0.sockets[turn % $0.sockets.count] }
        }
    }

    func listens(_ now: Listening) { listening.withLock { $0 = now } }

    /// Says goodbye to all; used when the worker stops.
    package func closeAll() {
        for peer in directory.all { peer.loop.execute { peer.close() } }
    }

    /// Logs what happens once a session, and would fill the log where a flood of sessions comes to nothing.
    func log(
        _ level: Logger.Level,
        _ line: Logger.Message,
        reason: String,
        with logger: Logger,
        _ more: Logger.Metadata
    ) {
        guard let suppressed = lines.admit("\(line) \(reason)") else { return }
        var metadata = more
        metadata[LogKeys.reason] = "\(reason)"
        metadata[LogKeys.suppressed] = "\(suppressed)"
        logger.log(level: level, line, metadata: metadata)
    }

    func opened(after duration: Duration) { firstFrame.recordNanoseconds(duration.nanoseconds) }
}

/// Sessions that are there now, as a gauge.
final class SessionCount: Sendable {
    private let count = Atomic<Int>(0)
    private let gauge: Gauge

    init(_ gauge: Gauge) { self.gauge = gauge }

    func change(by step: Int) { gauge.record(count.add(step, ordering: .relaxed).newValue) }
}
