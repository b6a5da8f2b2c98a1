import Bytes

package import struct NIOCore.ByteBuffer

/// The header in front of an AAC frame in MPEG-TS and raw streams (ISO/IEC 14496-3 §1.A.2.2).
package struct ADTSHeader: Hashable, Sendable {
    package static let bytesWithoutChecksum = 7

    package let objectType: UInt8
    package let sampleRateIndex: UInt8
    package let channelConfiguration: UInt8
    package let headerBytes: Int
    /// Header and frame.
    package let frameBytes: Int

    package init(parsing bytes: ByteBuffer) throws(CodecError) {
        var bits = BitReader(ByteBuffer(bytes.readableBytesView.prefix(Self.bytesWithoutChecksum)))
        self = try CodecError.reading(.adts) { try Self(from: &bits) }
    }

    /// The header for one frame of `frameBytes` bytes. Nil when ADTS cannot describe the stream.
    package init?(config: AudioSpecificConfig, payloadBytes: Int) {
        guard let index = AudioSpecificConfig.sampleRates.firstIndex(of: config.coreSampleRate),
            (1...4).contains(config.objectType), (1...7).contains(config.channelConfiguration),
            payloadBytes + Self.bytesWithoutChecksum < 1 << 13
        else { return nil }
        objectType = config.objectType
        sampleRateIndex = UInt8(index)
        channelConfiguration = config.channelConfiguration
        headerBytes = Self.bytesWithoutChecksum
        frameBytes = payloadBytes + Self.bytesWithoutChecksum
    }

    private init(from bits: inout BitReader) throws {
        guard try bits.bits(12) == 0xFFF else { throw CodecError.malformed(.adts, "no syncword") }
        try bits.skip(1)
        guard try bits.bits(2) == 0 else { throw CodecError.malformed(.adts, "layer is not 0") }
        headerBytes = try bits.bit() ? Self.bytesWithoutChecksum : Self.bytesWithoutChecksum + 2
        objectType = UInt8(try bits.bits(2)) + 1
        sampleRateIndex = UInt8(try bits.bits(4))
        try bits.skip(1)
        channelConfiguration = UInt8(try bits.bits(3))
        try bits.skip(4)
        frameBytes = Int(try bits.bits(13))
        try bits.skip(11)
        guard try bits.bits(2) == 0 else { throw CodecError.malformed(.adts, "more than one raw data block") }
        guard frameBytes >= headerBytes else { throw CodecError.malformed(.adts, "a frame of \(frameBytes) bytes") }
    }

    /// Nil when the header names a reserved rate or leaves the channels to the frame.
    package var audioSpecificConfig: AudioSpecificConfig? {
        AudioSpecificConfig(
            objectType: objectType,
            sampleRateIndex: sampleRateIndex,
            channelConfiguration: channelConfiguration
        )
    }

    /// Seven bytes, without checksum, buffer fullness "variable".
    package func encoded() -> ByteBuffer {
        let length = UInt64(frameBytes)
        let fields: UInt64 =
            0xFFF1 << 40 | UInt64(objectType - 1) << 38 | UInt64(sampleRateIndex) << 34
            | UInt64(channelConfiguration) << 30 | length << 13 | 0x7FF << 2
        return ByteBuffer(
            bytes: stride(from: 48, through: 0, by: -8).map { UInt8(truncatingIfNeeded: fields >> UInt64($0)) }
        )
    }
}
