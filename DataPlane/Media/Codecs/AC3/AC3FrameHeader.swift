import Bytes
package import MediaModel

package import struct NIOCore.ByteBuffer

/// The beginning of an AC-3 sync frame (ETSI TS 102 366 §4.4.1 and §4.4.2). Enhanced AC-3 is another codec.
package struct AC3FrameHeader: Hashable, Sendable {
    /// Six blocks of 256.
    package static let samplesPerFrame = 1536
    /// Bytes that hold all fields read here.
    package static let bytesWanted = 8

    /// kbit/s by frmsizecod / 2 (table 4.13).
    private static let bitRates = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
    ]

    package let sampleRate: Int
    package let channels: Int
    package let frameBytes: Int
    private let configuration: UInt32

    package init(parsing frame: ByteBuffer) throws(CodecError) {
        var bits = BitReader(ByteBuffer(frame.readableBytesView.prefix(Self.bytesWanted)))
        self = try CodecError.reading(.ac3Header) { try Self(from: &bits) }
    }

    private init(from bits: inout BitReader) throws {
        guard try bits.bits(16) == 0x0B77 else { throw CodecError.malformed(.ac3Header, "no syncword") }
        try bits.skip(16)
        let rateCode = try bits.bits(2)
        let sizeCode = try bits.bits(6)
        guard rateCode < 3, sizeCode / 2 < Self.bitRates.count else {
            throw CodecError.malformed(.ac3Header, "a reserved rate or size")
        }
        let identification = try bits.bits(5)
        guard identification <= 8 else {
            throw CodecError.malformed(.ac3Header, "bit stream version \(identification)")
        }
        let mode = try bits.bits(3)
        let codingMode = try bits.bits(3)
        if codingMode & 1 == 1, codingMode != 1 { try bits.skip(2) }
        if codingMode & 4 != 0 { try bits.skip(2) }
        if codingMode == 2 { try bits.skip(2) }
        let lowFrequency: UInt32 = try bits.bit() ? 1 : 0
        let bitRate = Self.bitRates[Int(sizeCode / 2)]
        sampleRate = [48_000, 44_100, 32_000][Int(rateCode)]
        channels = [2, 1, 2, 3, 3, 4, 4, 5][Int(codingMode)] + Int(lowFrequency)
        // Words of 16 bits; at 44.1 kHz every other frame has one more.
        let words = bitRate * 96_000 / sampleRate + (rateCode == 1 ? Int(sizeCode & 1) : 0)
        frameBytes = words * 2
        configuration =
            rateCode << 22 | identification << 17 | mode << 14 | codingMode << 11 | lowFrequency << 10
            | (sizeCode / 2) << 5
    }

    package var parameters: CodecParameters {
        var record = ByteBuffer()
        record.writeUInt24(configuration)
        return .ac3(configuration: record, sampleRate: sampleRate, channels: channels)
    }
}
