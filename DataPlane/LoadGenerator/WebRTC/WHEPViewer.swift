import DTLS
import NIOCore
import RTP
import SDP
import Timebase

/// Plays one stream by WHEP.
final class WHEPViewer: Viewer {
    private static let reportInterval = Duration.seconds(1)

    private let meter: PlayMeter
    private let openedAt: MonotonicInstant
    private let session: SignalledSession
    private var check: PacketCheck?
    private var nextReport: MonotonicInstant
    private let ownSource: SSRC
    /// Where the session goes on once it is answered.
    private var successor: Connection?

    init(
        _ target: PlayTarget,
        meter: PlayMeter,
        certificate: DTLSContext,
        openedAt now: MonotonicInstant
    ) throws {
        self.meter = meter
        openedAt = now
        nextReport = now
        ownSource = SSRC(UInt32.random(in: 1...UInt32.max))
        session = try SignalledSession(target, offering: Self.capabilities, certificate: certificate)
    }

    private static var capabilities: [MediaCapabilities] {
        let profiles: [H264ProfileLevel.Profile] = [.constrainedBaseline, .main, .constrainedHigh, .high]
        let feedback: [RTCPFeedback] = [.nack, .pictureLoss]
        var video = MediaCapabilities(
            "video",
            .receiveOnly,
            codecs: CodecCapability.h264(profiles, feedback: feedback, retransmits: false)
        )
        video.headerExtensions = [HeaderExtensionURI.mid]
        return [video, MediaCapabilities("audio", .receiveOnly, codecs: [CodecCapability(.opus)])]
    }

    var hasFirstFrame: Bool { check?.hasKeyframe ?? false }
    var stamps: (first: SendStamp, last: SendStamp)? { check?.stampSpan }
    func windowBegins(at now: MonotonicInstant) { check?.windowBegins(at: now) }
    func windowEnds(at now: MonotonicInstant) { check?.windowEnds(at: now, meter) }

    func begin(on connection: Connection, at now: MonotonicInstant) throws { try session.begin(on: connection) }

    func takeSuccessor() -> Connection? {
        defer { successor = nil }
        return successor
    }

    func receive(_ bytes: borrowing Span<UInt8>, on connection: Connection, at now: MonotonicInstant) throws {
        switch try session.receive(bytes, at: now) {
        case .moved(let connection): successor = connection
        case .answered(let socket, let negotiation):
            guard let type = PayloadType(Int(try negotiation.video().codec.payloadType)) else { return }
            check = PacketCheck(video: type, openedAt: openedAt)
            successor = socket
        case nil: return
        }
    }

    func receive(
        datagram: UnsafeMutableRawBufferPointer,
        arrival: MonotonicInstant?,
        on socket: Connection,
        at now: MonotonicInstant
    ) throws {
        guard case .rtp(let length) = try session.transport.receive(datagram, on: socket, at: now) else { return }
        let packet = UnsafeRawBufferPointer(rebasing: datagram[..<length])
        packet.withMemoryRebound(to: UInt8.self) { check?.receive($0.span, at: now, arrival: arrival, meter) }
    }

    func timePassed(on connection: Connection, at now: MonotonicInstant) throws {
        guard check != nil else { return }
        try session.transport.timePassed(on: connection, at: now)
        guard session.transport.isOpen, now >= nextReport, let block = check?.reportBlock(at: now) else { return }
        nextReport = now + Self.reportInterval
        let report = RTCPPacket.receiverReport(ReceiverReport(ssrc: ownSource, blocks: [block]))
        try session.transport.send(rtcp: [report], on: connection)
    }
}
