import Bytes
package import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// Writes what precedes an access unit's payload in a message or tag body, so that header and shared payload together are
/// the body. H.264, AAC and MP3 take the legacy form that every player reads; HEVC, AV1, VP9, AC-3 and Opus the Enhanced
/// RTMP form.
package enum FLVBodyHeader {
    package static func write(for unit: AccessUnit, codec: CodecParameters, into buffer: inout ByteBuffer) {
        switch codec {
        case .h264:
            buffer.writeInteger(unit.isKeyframe ? 0x17 : 0x27, as: UInt8.self)
            buffer.writeInteger(VideoTagHeader.PacketType.codedFrames.rawValue)
            buffer.writeUInt24(compositionTime(of: unit))
        case .h265:
            let time = compositionTime(of: unit)
            writeEnhancedVideo(time == 0 ? .codedFramesX : .codedFrames, .hevc, unit.isKeyframe, into: &buffer)
            if time != 0 { buffer.writeUInt24(time) }
        case .av1: writeEnhancedVideo(.codedFrames, .av1, unit.isKeyframe, into: &buffer)
        case .vp9: writeEnhancedVideo(.codedFrames, .vp9, unit.isKeyframe, into: &buffer)
        case .aac:
            buffer.writeInteger(aacFormat)
            buffer.writeInteger(AudioTagHeader.PacketType.codedFrames.rawValue)
        case .mp3(let sampleRate, let channels):
            buffer.writeInteger(mp3Format(sampleRate: sampleRate, channels: channels))
        case .ac3: writeEnhancedAudio(.codedFrames, .ac3, into: &buffer)
        case .opus: writeEnhancedAudio(.codedFrames, .opus, into: &buffer)
        case .vp8, .data: break
        }
    }

    /// The body that tells a player the codec's configuration; nil for codecs without one.
    package static func sequenceHeader(for codec: CodecParameters) -> ByteBuffer? {
        var buffer = ByteBuffer()
        switch codec {
        case .h264(var configuration, _, _):
            buffer.writeInteger(0x17, as: UInt8.self)
            buffer.writeInteger(VideoTagHeader.PacketType.sequenceStart.rawValue)
            buffer.writeUInt24(0)
            buffer.writeBuffer(&configuration)
        case .h265(var configuration, _, _):
            writeEnhancedVideo(.sequenceStart, .hevc, true, into: &buffer)
            buffer.writeBuffer(&configuration)
        case .av1(var configuration, _, _):
            writeEnhancedVideo(.sequenceStart, .av1, true, into: &buffer)
            buffer.writeBuffer(&configuration)
        case .vp9(var configuration, _, _):
            writeEnhancedVideo(.sequenceStart, .vp9, true, into: &buffer)
            buffer.writeBuffer(&configuration)
        case .aac(var configuration, _, _):
            buffer.writeInteger(aacFormat)
            buffer.writeInteger(AudioTagHeader.PacketType.sequenceStart.rawValue)
            buffer.writeBuffer(&configuration)
        case .opus(var configuration, _):
            writeEnhancedAudio(.sequenceStart, .opus, into: &buffer)
            buffer.writeBuffer(&configuration)
        case .mp3, .ac3, .vp8, .data: return nil
        }
        return buffer
    }

    /// 24-bit two's complement milliseconds. Both times are rounded the same way, so PTS comes out as the player's sum.
    private static func compositionTime(of unit: AccessUnit) -> UInt32 {
        let offset = unit.presentationTime.milliseconds - unit.decodeTime.milliseconds
        return UInt32(truncatingIfNeeded: min(max(offset, -0x80_0000), 0x7F_FFFF)) & 0xFF_FFFF
    }

    /// AAC, and the rate, size and channel bits that §E.4.2.1 fixes for it whatever the stream has.
    private static let aacFormat: UInt8 = 0xAF

    private static func mp3Format(sampleRate: Int, channels: Int) -> UInt8 {
        let rate: UInt8 =
            switch sampleRate {
            case ..<11_025: 0
            case ..<22_050: 1
            case ..<44_100: 2
            default: 3
            }
        return 0x20 | rate << 2 | 0x02 | (channels > 1 ? 0x01 : 0)
    }

    private static func writeEnhancedVideo(
        _ type: VideoTagHeader.PacketType,
        _ codec: FLVCodec,
        _ isKeyframe: Bool,
        into buffer: inout ByteBuffer
    ) {
        let frameType: UInt8 = isKeyframe ? 1 : 2
        buffer.writeInteger(0x80 | frameType << 4 | type.rawValue)
        buffer.writeFourCC(codec.fourCC)
    }

    private static func writeEnhancedAudio(
        _ type: AudioTagHeader.PacketType,
        _ codec: FLVCodec,
        into buffer: inout ByteBuffer
    ) {
        buffer.writeInteger(0x90 | type.rawValue)
        buffer.writeFourCC(codec.fourCC)
    }
}
