import DTLS
import ICE
import NIOCore
import RTP
import SDP
import Timebase
import WebRTC

/// Plays one stream by WHEP: asks over HTTP, then moves to a datagram socket.
final class WHEPViewer: Viewer {
    private static let reportInterval = Duration.seconds(1)

    private let target: PlayTarget
    private let meter: PlayMeter
    private let openedAt: MonotonicInstant
    private let transport: ClientTransport
    private let offer: Offer
    private var http = HTTPWalker()
    private var answer = ByteBuffer()
    private var check: PacketCheck?
    private var scratch = [UInt8](repeating: 0, count: 2048)
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
        self.target = target
        self.meter = meter
        openedAt = now
        nextReport = now
        var random = SystemRandomNumberGenerator()
        transport = ClientTransport(certificate, using: &random)
        ownSource = SSRC(UInt32.random(in: 1...UInt32.max, using: &random))
        offer = Offer(
            Self.capabilities,
            transport: try transport.local(),
            origin: SessionDescription.Origin(sessionID: random.next() >> 2, sessionVersion: 1)
        )
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

    func begin(on connection: Connection, at now: MonotonicInstant) throws {
        let body = offer.description.text
        try connection.enqueue(target.post(body, type: "application/sdp"))
    }

    func takeSuccessor() -> Connection? {
        defer { successor = nil }
        return successor
    }

    func receive(_ bytes: borrowing Span<UInt8>, on connection: Connection, at now: MonotonicInstant) throws {
        guard check == nil else { return try receive(datagram: bytes, on: connection, at: now) }
        var position = 0
        while let piece = try http.next(in: bytes, at: &position) {
            switch piece {
            case .head(let head): guard head.status == 201 else { throw ViewerFailure.refused("HTTP \(head.status)") }
            case .body(let range): for place in range { answer.writeInteger(bytes[place]) }
            case .end: return try answered(at: now)
            }
        }
    }

    private func answered(at now: MonotonicInstant) throws {
        let description = try SessionDescription(parsing: String(buffer: answer))
        let negotiation = try offer.negotiation(with: description)
        let candidates = negotiation.remote.candidates.compactMap(Candidate.init).filter { $0.transport == .udp }
        // The way that HTTP took is open.
        guard let candidate = candidates.first(where: { "\($0.address.ip)" == target.host }) ?? candidates.first,
            let video = negotiation.media.first(where: { $0.kind == "video" })?.codecs.first,
            let type = PayloadType(Int(video.payloadType))
        else { throw ViewerFailure.refused("the answer has no picture or no candidate") }
        let address = try SocketAddress(ipAddress: "\(candidate.address.ip)", port: Int(candidate.address.port))
        let socket = try Connection(datagramsTo: address)
        check = PacketCheck(video: type, openedAt: openedAt)
        successor = socket
        try transport.begin(negotiation, to: candidate, on: socket, at: now)
    }

    private func receive(datagram: borrowing Span<UInt8>, on socket: Connection, at now: MonotonicInstant) throws {
        let length = datagram.count
        guard length <= scratch.count else { return }
        datagram.withUnsafeBytes { source in scratch.withUnsafeMutableBytes { $0.copyMemory(from: source) } }
        let received = try scratch.withUnsafeMutableBytes { bytes in
            try transport.receive(UnsafeMutableRawBufferPointer(rebasing: bytes[..<length]), on: socket, at: now)
        }
        guard case .rtp(let plainBytes) = received else { return }
        let packet = scratch
        check?.receive(packet.span.extracting(0..<plainBytes), at: now, meter)
    }

    func timePassed(on connection: Connection, at now: MonotonicInstant) throws {
        guard let check else { return }
        try transport.timePassed(on: connection, at: now)
        guard transport.isOpen, now >= nextReport, let source = check.videoSource else { return }
        nextReport = now + Self.reportInterval
        let block = ReportBlock(
            ssrc: source,
            fractionLost: 0,
            cumulativeLost: 0,
            highestSequence: check.highestSequence,
            jitter: 0,
            lastSenderReport: 0,
            delaySinceLastSenderReport: 0
        )
        let report = RTCPPacket.receiverReport(ReceiverReport(ssrc: ownSource, blocks: [block]))
        try transport.send(rtcp: RTCPPacket.encode([report]), on: connection)
    }
}
