import Timebase

import struct NIOCore.ByteBuffer

/// What both ends of a connection do alike once the handshake is over: chunks, acknowledgements, pings, silence.
struct MessageLink {
    /// What we ask the peer to acknowledge, and assume that it wants acknowledged until it says otherwise.
    static let windowBytes: UInt32 = 2_500_000

    private var decoder: ChunkDecoder
    private var window = MessageLink.windowBytes
    /// Both count what arrives, handshake included, and wrap at 2^32.
    private var received: UInt32 = 0
    private var acknowledged: UInt32 = 0
    private(set) var lastHeard: MonotonicInstant
    private var pingedAt: MonotonicInstant?

    init(limits: RTMPLimits, at now: MonotonicInstant) {
        decoder = ChunkDecoder(limits: limits)
        lastHeard = now
    }

    var unreadBytes: Int { decoder.unreadBytes }

    /// Counts bytes that arrived; the acknowledgement to send when one is due (RTMP 1.0 §5.4.3).
    mutating func count(_ bytes: Int, at now: MonotonicInstant) -> ByteBuffer? {
        lastHeard = now
        pingedAt = nil
        received &+= UInt32(truncatingIfNeeded: bytes)
        guard received &- acknowledged >= window else { return nil }
        acknowledged = received
        return ProtocolControl.acknowledgement(received)
    }

    mutating func append(_ bytes: ByteBuffer) { decoder.append(bytes) }

    /// The next message that is not about the link itself. Answers that are due are put into `replies`.
    mutating func nextMessage(replies: (ByteBuffer) -> Void) throws(RTMPError) -> RawMessage? {
        while let message = try decoder.nextMessage() {
            switch MessageType(rawValue: message.type) {
            case .windowAcknowledgementSize:
                guard let size = message.payload.getInteger(at: message.payload.readerIndex, as: UInt32.self) else {
                    throw .malformedMessage(type: message.type)
                }
                // A window of a few bytes would make us answer every one of them.
                window = max(size, 1024)
            case .userControl:
                if case .pingRequest(let time) = try UserControl(decoding: message.payload) {
                    replies(UserControl.pingResponse(time).encoded())
                }
            case .acknowledgement, .setPeerBandwidth, .setChunkSize, .abort, nil: continue
            case .audio, .video, .dataAMF3, .commandAMF3, .dataAMF0, .commandAMF0, .aggregate: return message
            }
        }
        return nil
    }

    /// When to look at the silence next: half-way a ping is due, at the end the peer is given up.
    func silenceDeadline(max silence: Duration) -> MonotonicInstant { (pingedAt ?? lastHeard) + silence / 2 }

    /// Only a ping without an answer shows that the peer is gone: the silence may have been that of this process, which
    /// stood still.
    func hasLostPeer(after silence: Duration, at now: MonotonicInstant) -> Bool {
        pingedAt.map { now >= $0 + silence / 2 } ?? false
    }

    /// The ping to send at `silenceDeadline`; nil when it has been sent already and nothing came back.
    mutating func pingWhenSilent(at now: MonotonicInstant) -> ByteBuffer? {
        guard pingedAt == nil else { return nil }
        pingedAt = now
        let milliseconds = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
        return UserControl.pingRequest(milliseconds).encoded()
    }
}
