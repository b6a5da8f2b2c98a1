package import struct NIOCore.ByteBuffer

/// The codecs WebRTC carries, by the name of their media type in SDP (RFC 8866 §6.6, compared without case).
package enum RTPCodec: String, CaseIterable, Hashable, Sendable {
    case h264 = "H264"
    case h265 = "H265"
    case vp8 = "VP8"
    case vp9 = "VP9"
    case av1 = "AV1"
    case opus = "opus"

    package var isVideo: Bool { self != .opus }
    /// Ticks of the RTP clock in a second.
    package var clockRate: Int64 { isVideo ? 90_000 : 48_000 }
}

/// A frame as its packets carried it.
package struct DepacketizedFrame: Hashable, Sendable {
    /// In the form `AccessUnit` carries. VP8 and VP9: the frame as the codec wrote it.
    package var payload: ByteBuffer
    /// Decoding can start here: parameter sets, where the codec has them, are in the payload or came before.
    package var isKeyframe: Bool

    package init(payload: ByteBuffer, isKeyframe: Bool) {
        self.payload = payload
        self.isKeyframe = isKeyframe
    }
}

/// Puts the payloads of one frame together again. Fed in order and without gaps within a frame; `reset` after a gap.
package protocol Depacketizer: Sendable {
    /// A frame may begin with this payload: asked after a gap.
    func mayBeginFrame(_ payload: ByteBuffer) -> Bool
    mutating func append(_ payload: ByteBuffer) throws(RTPError)
    /// The frame, once its last payload is in; nil when there is nothing in it.
    mutating func finishFrame() throws(RTPError) -> DepacketizedFrame?
    mutating func reset()
}

package struct DepacketizationLimits: Hashable, Sendable {
    /// A keyframe of 50 Mb/s at one a second; a peer that sends more without ending its frame wants our memory.
    package var frameBytesMax = 8 << 20

    package init() {}
}

extension RTPCodec {
    package func makeDepacketizer(
        limits: DepacketizationLimits = DepacketizationLimits()
    ) -> any Depacketizer {
        switch self {
        case .h264: H264Depacketizer(limits: limits)
        case .h265: H265Depacketizer(limits: limits)
        case .vp8: VP8Depacketizer(limits: limits)
        case .vp9: VP9Depacketizer(limits: limits)
        case .av1: AV1Depacketizer(limits: limits)
        case .opus: OpusDepacketizer()
        }
    }
}

/// RFC 7587 §4.2: the payload is the Opus packet.
struct OpusDepacketizer: Depacketizer {
    private var packet: ByteBuffer?

    func mayBeginFrame(_ payload: ByteBuffer) -> Bool { true }

    mutating func append(_ payload: ByteBuffer) throws(RTPError) {
        guard packet == nil else { throw .malformed(.opus, "two packets of one timestamp") }
        guard payload.readableBytes > 0 else { throw .truncated(.opus) }
        packet = payload
    }

    mutating func finishFrame() throws(RTPError) -> DepacketizedFrame? {
        defer { packet = nil }
        return packet.map { DepacketizedFrame(payload: $0, isKeyframe: true) }
    }

    mutating func reset() { packet = nil }
}
