import RTP
import SDP

/// A negotiated media line in the terms of RTP.
struct NegotiatedLine: Sendable {
    let mid: String?
    let codec: RTPCodec
    let payloadType: PayloadType
    let repairPayloadType: PayloadType?
    let extensions: HeaderExtensionMap
    let usesNack: Bool
    let usesTransportFeedback: Bool
    /// Its sender goes by our estimate, for want of transport-wide feedback of which it would make its own.
    let usesMaximumBitrate: Bool
    let reducedSizeRTCP: Bool
    let channels: UInt8
    let sending: MediaCapabilities.Sending?

    func carries(_ type: PayloadType) -> Bool { type == payloadType || type == repairPayloadType }

    /// Nil when the line's first codec is not one that RTP here knows, which our own capabilities rule out.
    init?(_ media: Negotiation.Media) {
        guard let first = media.codecs.first, let codec = RTPCodec(first.format),
            let payloadType = PayloadType(Int(first.payloadType))
        else { return nil }
        mid = media.mid
        self.codec = codec
        self.payloadType = payloadType
        repairPayloadType = first.retransmissionPayloadType.flatMap { PayloadType(Int($0)) }
        usesNack = first.codec.feedback.contains(.nack)
        reducedSizeRTCP = media.reducedSizeRTCP
        channels = first.codec.parameters["stereo"] == "0" ? 1 : 2
        sending = media.sending
        var map = HeaderExtensionMap()
        for each in media.headerExtensions {
            guard let kind = HeaderExtensionKind(rawValue: each.uri), let id = UInt8(exactly: each.id) else { continue }
            map.add(kind, id: id)
        }
        extensions = map
        usesTransportFeedback =
            first.codec.feedback.contains(.transportWide) && map.id(of: .transportSequence) != nil
        usesMaximumBitrate =
            !usesTransportFeedback && first.codec.feedback.contains(.remb) && map.id(of: .absoluteSendTime) != nil
    }
}

extension RTPCodec {
    init?(_ format: CodecFormat) {
        switch format {
        case .h264: self = .h264
        case .h265: self = .h265
        case .vp8: self = .vp8
        case .vp9: self = .vp9
        case .av1: self = .av1
        case .opus: self = .opus
        }
    }
}
