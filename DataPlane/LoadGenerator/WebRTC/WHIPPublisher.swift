import Codecs
import DTLS
import FLV
import MediaModel
import NIOCore
import RTP
import SDP
import SecureTransport
import Timebase

/// Publishes the pictures of a clip by WHIP; its sound is AAC, which WebRTC does not carry.
final class WHIPPublisher: Publisher {
    private static let reportInterval = Duration.seconds(1)

    private(set) var connection: Connection
    private let session: SignalledSession
    private var clock: ClipClock
    private var packetizer: Packetizer?
    private var stream: SendStream?
    private var playout = PlayoutClock()
    private var nextReport: MonotonicInstant?

    init(
        _ clock: ClipClock,
        to target: PlayTarget,
        address: SocketAddress,
        certificate: DTLSContext
    ) throws {
        self.clock = clock
        connection = try Connection(to: address)
        session = try SignalledSession(target, offering: [Self.capability()], certificate: certificate)
        try session.begin(on: connection)
    }

    private static func capability() -> MediaCapabilities {
        let feedback: [RTCPFeedback] = [.nack, .pictureLoss]
        let codecs = CodecCapability.h264([.high, .main, .constrainedBaseline], feedback: feedback, retransmits: true)
        var video = MediaCapabilities("video", .sendOnly, codecs: codecs)
        video.headerExtensions = [HeaderExtensionURI.mid]
        video.sending = MediaCapabilities.Sending(
            ssrc: UInt32.random(in: 1...UInt32.max),
            retransmissionSSRC: UInt32.random(in: 1...UInt32.max),
            cname: "bench",
            stream: MediaStreamIdentification(stream: "bench", track: "video")
        )
        return video
    }

    var nextSend: MonotonicInstant? { clock.nextDue }
    var isFinished: Bool { clock.isOver }
    var bodyBytes: Int64 { clock.bodyBytes }

    func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) throws {
        guard stream == nil else { return try receive(datagram: bytes, at: now) }
        switch try session.receive(bytes.readableBytesUInt8Span, at: now) {
        case .moved(let next): connection = next
        case .answered(let socket, let negotiation):
            connection = socket
            stream = try Self.stream(negotiation)
        case nil: return
        }
    }

    private static func stream(_ negotiation: Negotiation) throws -> SendStream {
        let (line, codec) = try negotiation.video()
        guard let sending = line.sending, let type = PayloadType(Int(codec.payloadType)) else {
            throw ViewerFailure.refused("the answer takes no picture")
        }
        var repair: (ssrc: SSRC, payloadType: PayloadType)?
        if let ssrc = sending.retransmissionSSRC,
            let type = codec.retransmissionPayloadType.flatMap({ PayloadType(Int($0)) })
        {
            repair = (SSRC(ssrc), type)
        }
        var random = SystemRandomNumberGenerator()
        return SendStream(
            SendStream.Configuration(
                ssrc: SSRC(sending.ssrc),
                payloadType: type,
                clockRate: MediaTime.ticksPerSecond,
                repair: repair
            ),
            using: &random
        )
    }

    private func receive(datagram: ByteBuffer, at now: MonotonicInstant) throws {
        var datagram = datagram
        let wasOpen = session.transport.isOpen
        let received = try datagram.withUnsafeMutableReadableBytes {
            try session.transport.receive($0, on: connection, at: now)
        }
        if !wasOpen, session.transport.isOpen { clock.begin(at: now) }
        guard case .rtcp(let length) = received, let reports = datagram.readSlice(length: length) else { return }
        for case .nack(let nack) in try RTCPPacket.parse(reports) {
            for repeated in stream?.repeats(of: nack.sequences, at: now) ?? [] { try send(repeated) }
        }
    }

    func checkTime(at now: MonotonicInstant) throws {
        guard stream != nil else { return }
        try session.transport.timePassed(on: connection, at: now)
    }

    func sendDue(at now: MonotonicInstant) throws {
        while let (tag, timestamp) = clock.next(at: now) {
            guard tag.kind == .video, let unit = try take(tag, at: timestamp) else { continue }
            playout.sent(unit.presentationTime, at: now)
            guard let frame = try packetizer?.packetize(unit), let packets = stream?.packets(for: frame, at: now) else {
                continue
            }
            try send(packets)
        }
        try report(at: now)
        try connection.flush()
    }

    /// The parameter sets of the clip's header are learned and go with each keyframe.
    private func take(_ tag: Clip.Tag, at timestamp: UInt32) throws -> AccessUnit? {
        switch try FLVMediaTag.video(tag.body) {
        case .sequenceHeader(_, let configuration):
            packetizer = try Packetizer(.h264(avcC: configuration))
            return nil
        case .frame(let frame):
            guard frame.compositionOffsetMilliseconds == 0 else {
                throw ViewerFailure.refused("the clip has B-frames, which WebRTC does not carry")
            }
            return AccessUnit(
                track: .video,
                decodeTime: MediaTime(milliseconds: Int64(timestamp)),
                isKeyframe: frame.isKeyframe,
                payload: frame.payload
            )
        case .endOfSequence, .ignored: return nil
        }
    }

    private func send(_ packets: OutgoingPackets) throws {
        for place in packets.indices {
            var bytes = ByteBuffer()
            bytes.reserveCapacity(packets.bytes(at: place) + SRTP.overheadBytesMax)
            stream?.writer.write(packets, place, into: &bytes)
            try session.transport.send(rtp: bytes, on: connection)
        }
    }

    private func report(at now: MonotonicInstant) throws {
        guard let stream, session.transport.isOpen, now >= nextReport ?? now, let media = playout.mediaTime(at: now)
        else { return }
        nextReport = now + Self.reportInterval
        let ntp = NTPTime(WallTime(milliseconds: now.nanoseconds / 1_000_000))
        try session.transport.send(
            rtcp: [.senderReport(stream.senderReport(mediaNow: media, ntp: ntp))],
            on: connection
        )
    }

    func finish(at now: MonotonicInstant) { session.transport.close(on: connection, at: now) }
}
