import Bytes

import struct NIOCore.ByteBuffer

/// The codecs carried in a transport stream, and how a program map names them.
package enum ElementaryCodec: Hashable, Sendable {
    case h264
    case h265
    case aacADTS
    case mp3
    case ac3
    /// By the Opus mapping's channel_config_code: 1 to 8 are that many channels in the order of RFC 7845 §5.1.1.
    case opus(channels: Int)

    package var isVideo: Bool {
        switch self {
        case .h264, .h265: true
        case .aacADTS, .mp3, .ac3, .opus: false
        }
    }

    /// Nil for a stream that is not carried here.
    package init?(_ stream: ProgramMap.Stream) {
        switch stream.type {
        case 0x1B: self = .h264
        case 0x24: self = .h265
        case 0x0F: self = .aacADTS
        case 0x03, 0x04: self = .mp3
        case 0x81: self = .ac3
        case 0x06:
            guard let codec = Self.privateCodec(stream.descriptors) else { return nil }
            self = codec
        default: return nil
        }
    }

    /// Private data says in its descriptors what it is: by registration (§2.6.8), or as DVB does (EN 300 468 annex D).
    private static func privateCodec(_ descriptors: [ProgramMap.Descriptor]) -> Self? {
        var registration: FourCC?
        var opusChannels: Int?
        for descriptor in descriptors {
            var body = descriptor.body
            switch descriptor.tag {
            case Tag.registration: registration = body.readInteger(as: UInt32.self).map(FourCC.init)
            case Tag.dvbAC3: return .ac3
            case Tag.dvbExtension where body.readInteger(as: UInt8.self) == Tag.opusExtension:
                opusChannels = body.readInteger(as: UInt8.self).map(Int.init)
            default: continue
            }
        }
        switch registration {
        case "AC-3": return .ac3
        case "HEVC": return .h265
        case "Opus": return (1...8).contains(opusChannels ?? 2) ? .opus(channels: opusChannels ?? 2) : nil
        default: return nil
        }
    }

    /// How our own program maps name the codec.
    func stream(on pid: PID, isLowRateMP3: Bool) -> ProgramMap.Stream {
        switch self {
        case .h264: ProgramMap.Stream(type: 0x1B, pid: pid)
        case .h265: ProgramMap.Stream(type: 0x24, pid: pid, descriptors: [Self.registration("HEVC")])
        case .aacADTS: ProgramMap.Stream(type: 0x0F, pid: pid)
        case .mp3: ProgramMap.Stream(type: isLowRateMP3 ? 0x04 : 0x03, pid: pid)
        case .ac3: ProgramMap.Stream(type: 0x81, pid: pid, descriptors: [Self.registration("AC-3")])
        case .opus(let channels):
            ProgramMap.Stream(
                type: 0x06,
                pid: pid,
                descriptors: [
                    Self.registration("Opus"),
                    .init(tag: Tag.dvbExtension, body: ByteBuffer(bytes: [Tag.opusExtension, UInt8(channels)])),
                ]
            )
        }
    }

    private static func registration(_ code: FourCC) -> ProgramMap.Descriptor {
        .init(tag: Tag.registration, body: ByteBuffer(integer: code.value))
    }

    private enum Tag {
        static let registration: UInt8 = 0x05
        static let dvbAC3: UInt8 = 0x6A
        static let dvbExtension: UInt8 = 0x7F
        static let opusExtension: UInt8 = 0x80
    }
}
