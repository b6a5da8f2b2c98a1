package import Bytes
import MediaModel

/// What stands before the coded data of a video body: VIDEODATA of FLV 10.1 §E.4.3, or ExVideoTagHeader of Enhanced
/// RTMP v2.
///
///     legacy    | 0 | frame type 3 | codec id 4 | AVC packet type 8 | composition time 24 |
///     enhanced  | 1 | frame type 3 | packet type 4 | FourCC 32 | composition time 24, in CodedFrames of AVC and HEVC |
package struct VideoTagHeader: Hashable, Sendable {
    /// `VideoPacketType` of Enhanced RTMP; the legacy AVC packet types have the same first three meanings.
    package enum PacketType: UInt8, Hashable, Sendable {
        case sequenceStart = 0
        case codedFrames = 1
        case sequenceEnd = 2
        /// Coded frames whose composition time is zero and left out.
        case codedFramesX = 3
        case metadata = 4
        case mpeg2TSSequenceStart = 5
        case multitrack = 6
    }

    package enum Content: Hashable, Sendable {
        case media(PacketType, FLVCodec)
        /// Seek marks of a server, metadata, further tracks: not media of this track.
        case other(FLVIgnoredReason)
    }

    package var content: Content
    package var isKeyframe: Bool
    package var compositionOffsetMilliseconds: Int32 = 0

    package init(decoding reader: inout ByteReader) throws(FLVError) {
        do {
            let first: UInt8 = try reader.integer()
            let frameType = first >> 4 & 0x07
            // Type 4 is a keyframe that a server made up; type 5 is no frame but a command.
            isKeyframe = frameType == 1 || frameType == 4
            if first & 0x80 != 0 {
                content = try Self.enhanced(first & 0x0F, isCommand: frameType == 5, &reader)
            } else {
                content = try Self.legacy(first & 0x0F, isCommand: frameType == 5, &reader)
            }
            // Legacy headers always have the field; its value counts for coded frames only.
            let isLegacy = first & 0x80 == 0
            if case .media(let type, let codec) = content, isLegacy || Self.hasCompositionTime(type, codec) {
                let field = try reader.uint24()
                if type == .codedFrames { compositionOffsetMilliseconds = Int32(bitPattern: field << 8) >> 8 }
            }
        } catch let error as FLVError {
            throw error
        } catch { throw .truncated }
    }

    private static func legacy(_ codecID: UInt8, isCommand: Bool, _ reader: inout ByteReader) throws -> Content {
        guard !isCommand else { return .other(.command) }
        guard let codec = FLVCodec(videoCodecID: codecID) else { throw FLVError.unsupportedVideoCodecID(codecID) }
        switch try reader.integer(as: UInt8.self) {
        case 0: return .media(.sequenceStart, codec)
        case 1: return .media(.codedFrames, codec)
        case 2: return .media(.sequenceEnd, codec)
        default: return .other(.unknownPacketType)
        }
    }

    private static func enhanced(_ rawType: UInt8, isCommand: Bool, _ reader: inout ByteReader) throws -> Content {
        let rawType = rawType == 7 ? try packetTypeAfterModEx(&reader) : rawType
        guard let type = PacketType(rawValue: rawType) else { return .other(.unknownPacketType) }
        if isCommand, type != .metadata { return .other(.command) }
        switch type {
        case .multitrack: return .other(.multitrack)
        case .metadata: return .other(.metadata)
        case .mpeg2TSSequenceStart: return .other(.unknownPacketType)
        case .sequenceStart, .codedFrames, .sequenceEnd, .codedFramesX: break
        }
        let fourCC = FourCC(try reader.integer())
        guard let codec = FLVCodec(fourCC), codec.kind == .video else { throw FLVError.unsupportedFourCC(fourCC) }
        return .media(type, codec)
    }

    private static func hasCompositionTime(_ type: PacketType, _ codec: FLVCodec) -> Bool {
        type == .codedFrames && (codec == .avc || codec == .hevc)
    }
}
