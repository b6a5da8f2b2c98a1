package import Bytes
import MediaModel

/// What stands before the coded data of an audio body: AUDIODATA of FLV 10.1 §E.4.2, or ExAudioTagHeader of Enhanced
/// RTMP v2.
///
///     legacy    | sound format 4 | rate 2 | size 1 | type 1 | AAC packet type 8, for AAC only |
///     enhanced  | 9, 4 bits | packet type 4 | FourCC 32 |
package struct AudioTagHeader: Hashable, Sendable {
    /// `AudioPacketType` of Enhanced RTMP; AAC's packet types have the same first two meanings.
    package enum PacketType: UInt8, Hashable, Sendable {
        case sequenceStart = 0
        case codedFrames = 1
        case sequenceEnd = 2
        case multichannelConfiguration = 4
        case multitrack = 5
    }

    package enum Content: Hashable, Sendable {
        case media(PacketType, FLVCodec)
        case other(FLVIgnoredReason)
    }

    package var content: Content

    package init(decoding reader: inout ByteReader) throws(FLVError) {
        do {
            let first: UInt8 = try reader.integer()
            let enhancedFormat: UInt8 = 9
            if first >> 4 == enhancedFormat {
                content = try Self.enhanced(first & 0x0F, &reader)
            } else {
                content = try Self.legacy(first >> 4, &reader)
            }
        } catch let error as FLVError {
            throw error
        } catch { throw .truncated }
    }

    private static func legacy(_ soundFormat: UInt8, _ reader: inout ByteReader) throws -> Content {
        guard let codec = FLVCodec(soundFormat: soundFormat) else { throw FLVError.unsupportedSoundFormat(soundFormat) }
        guard codec == .aac else { return .media(.codedFrames, codec) }
        switch try reader.integer(as: UInt8.self) {
        case 0: return .media(.sequenceStart, codec)
        case 1: return .media(.codedFrames, codec)
        default: return .other(.unknownPacketType)
        }
    }

    private static func enhanced(_ rawType: UInt8, _ reader: inout ByteReader) throws -> Content {
        let rawType = rawType == 7 ? try packetTypeAfterModEx(&reader) : rawType
        guard let type = PacketType(rawValue: rawType) else { return .other(.unknownPacketType) }
        guard type != .multitrack else { return .other(.multitrack) }
        let fourCC = FourCC(try reader.integer())
        guard let codec = FLVCodec(fourCC), codec.kind == .audio else { throw FLVError.unsupportedFourCC(fourCC) }
        guard type != .multichannelConfiguration else { return .other(.metadata) }
        return .media(type, codec)
    }
}
