import Bytes

package import struct NIOCore.ByteBuffer

/// Why a well-formed body carries nothing for the stream.
package enum FLVIgnoredReason: String, Hashable, Sendable {
    case command
    case empty
    case metadata
    case multitrack
    case unknownPacketType
}

/// The content of one audio or video message. Slices share the storage of the body they came from.
package enum FLVMediaTag: Hashable, Sendable {
    /// The codec's configuration record, as MP4 stores it.
    case sequenceHeader(FLVCodec, configuration: ByteBuffer)
    case frame(FLVFrame)
    case endOfSequence
    case ignored(FLVIgnoredReason)

    package static func video(_ body: ByteBuffer) throws(FLVError) -> Self {
        guard body.readableBytes > 0 else { return .ignored(.empty) }
        var reader = ByteReader(body)
        let header = try VideoTagHeader(decoding: &reader)
        switch header.content {
        case .other(let reason): return .ignored(reason)
        case .media(.sequenceStart, let codec): return sequenceHeader(codec, reader.rest())
        case .media(.sequenceEnd, _): return .endOfSequence
        case .media(_, let codec):
            return unlessEmpty(
                FLVFrame(
                    codec: codec,
                    isKeyframe: header.isKeyframe,
                    compositionOffsetMilliseconds: header.compositionOffsetMilliseconds,
                    payload: reader.rest()
                )
            )
        }
    }

    package static func audio(_ body: ByteBuffer) throws(FLVError) -> Self {
        guard body.readableBytes > 0 else { return .ignored(.empty) }
        var reader = ByteReader(body)
        switch try AudioTagHeader(decoding: &reader).content {
        case .other(let reason): return .ignored(reason)
        case .media(.sequenceStart, let codec): return sequenceHeader(codec, reader.rest())
        case .media(.sequenceEnd, _): return .endOfSequence
        case .media(_, let codec):
            return unlessEmpty(
                FLVFrame(codec: codec, isKeyframe: true, compositionOffsetMilliseconds: 0, payload: reader.rest())
            )
        }
    }

    private static func sequenceHeader(_ codec: FLVCodec, _ configuration: ByteBuffer) -> Self {
        // MP3 needs no configuration; its sequence start is empty by design.
        configuration.readableBytes == 0 ? .ignored(.empty) : .sequenceHeader(codec, configuration: configuration)
    }

    private static func unlessEmpty(_ frame: FLVFrame) -> Self {
        frame.payload.readableBytes == 0 ? .ignored(.empty) : .frame(frame)
    }
}

package struct FLVFrame: Hashable, Sendable {
    package var codec: FLVCodec
    package var isKeyframe: Bool
    /// Presentation minus decode time.
    package var compositionOffsetMilliseconds: Int32
    package var payload: ByteBuffer

    package init(codec: FLVCodec, isKeyframe: Bool, compositionOffsetMilliseconds: Int32, payload: ByteBuffer) {
        self.codec = codec
        self.isKeyframe = isKeyframe
        self.compositionOffsetMilliseconds = compositionOffsetMilliseconds
        self.payload = payload
    }
}
