import Bytes

package import struct NIOCore.ByteBuffer

/// The Ogg identification header (RFC 7845 §5.1), which is also how Enhanced RTMP sends Opus parameters.
package struct OpusHead: Hashable, Sendable {
    package static let sampleRate = 48_000
    private static let magic: UInt64 = 0x4F70_7573_4865_6164

    package let channels: Int
    package let preSkip: UInt16
    package let inputSampleRate: UInt32
    package let outputGain: Int16
    package let mappingFamily: UInt8
    /// Stream count, coupled count and channel mapping; empty for family 0.
    package let mappingTable: [UInt8]

    package init(parsing bytes: ByteBuffer) throws(CodecError) {
        var reader = ByteReader(bytes)
        self = try CodecError.reading(.opusHead) { try Self(from: &reader) }
    }

    /// The header of 1 to 8 channels in the order of §5.1.1, for a stream that tells no more than their number.
    package static func encoded(channels: Int) -> ByteBuffer {
        var bytes = ByteBuffer(integer: magic)
        bytes.writeInteger(UInt8(1))
        bytes.writeInteger(UInt8(channels))
        bytes.writeInteger(UInt16(0), endianness: .little)
        bytes.writeInteger(UInt32(sampleRate), endianness: .little)
        bytes.writeInteger(Int16(0), endianness: .little)
        guard channels > 2, channels <= mappings.count else {
            bytes.writeInteger(UInt8(0))
            return bytes
        }
        bytes.writeInteger(UInt8(1))
        bytes.writeBytes(mappings[channels - 1])
        return bytes
    }

    /// Stream count, coupled count and the decoder channel of each output channel (§5.1.1.2, figures 3 to 9).
    private static let mappings: [[UInt8]] = [
        [1, 0, 0], [1, 1, 0, 1], [2, 1, 0, 2, 1], [2, 2, 0, 1, 2, 3], [3, 2, 0, 4, 1, 2, 3], [4, 2, 0, 4, 1, 2, 3, 5],
        [4, 3, 0, 4, 1, 2, 3, 5, 6], [5, 3, 0, 6, 1, 2, 3, 4, 5, 7],
    ]

    private init(from reader: inout ByteReader) throws {
        guard try reader.integer(as: UInt64.self) == Self.magic else {
            throw CodecError.malformed(.opusHead, "it does not begin with 'OpusHead'")
        }
        let version: UInt8 = try reader.integer()
        guard version < 16 else { throw CodecError.malformed(.opusHead, "version \(version)") }
        channels = Int(try reader.integer(as: UInt8.self))
        preSkip = try reader.littleEndian()
        inputSampleRate = try reader.littleEndian()
        outputGain = try reader.littleEndian()
        mappingFamily = try reader.integer()
        guard channels > 0, mappingFamily != 0 || channels <= 2 else {
            throw CodecError.malformed(.opusHead, "\(channels) channels in mapping family \(mappingFamily)")
        }
        mappingTable = mappingFamily == 0 ? [] : try (0..<(2 + channels)).map { _ in try reader.integer() }
    }
}

/// How long an Opus packet lasts (RFC 6716 §3.1).
package enum OpusPacket {
    /// At 48 kHz; nil for a packet that breaks the rules (empty, or more than 120 ms).
    package static func samples(_ packet: ByteBuffer) -> Int? {
        guard let first = packet.getInteger(at: packet.readerIndex, as: UInt8.self) else { return nil }
        let frames: Int
        switch first & 3 {
        case 0: frames = 1
        case 1, 2: frames = 2
        default:
            guard let count = packet.getInteger(at: packet.readerIndex + 1, as: UInt8.self) else { return nil }
            frames = Int(count & 0x3F)
        }
        let samples = frames * frameSamples(configuration: first >> 3)
        return (1...5760).contains(samples) ? samples : nil
    }

    /// Table 2: SILK 10–60 ms, hybrid 10–20 ms, CELT 2.5–20 ms.
    private static func frameSamples(configuration: UInt8) -> Int {
        switch configuration {
        case 0..<12: [480, 960, 1920, 2880][Int(configuration & 3)]
        case 12..<16: [480, 960][Int(configuration & 1)]
        default: [120, 240, 480, 960][Int(configuration & 3)]
        }
    }
}
