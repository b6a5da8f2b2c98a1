package import struct NIOCore.ByteBuffer

/// The four bytes in front of an MPEG-1, MPEG-2 or MPEG-2.5 layer III frame (ISO/IEC 11172-3 §2.4.1.3).
package struct MP3FrameHeader: Hashable, Sendable {
    package let sampleRate: Int
    package let channels: Int
    package let samplesPerFrame: Int
    /// Header and frame; nil when the header leaves the bit rate open ("free format").
    package let frameBytes: Int?

    /// kbit/s by bitrate_index, of MPEG-1 and of the lower sampling frequencies (ISO/IEC 13818-3 §2.4.2.3).
    private static let bitRates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    private static let lowBitRates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]

    package init(parsing frame: ByteBuffer) throws(CodecError) {
        guard let bits = frame.getInteger(at: frame.readerIndex, as: UInt32.self) else { throw .truncated(.mp3Header) }
        guard bits >> 21 == 0x7FF else { throw .malformed(.mp3Header, "no syncword") }
        guard bits >> 17 & 3 == 1 else { throw .malformed(.mp3Header, "not layer III") }
        let rateIndex = Int(bits >> 10 & 3)
        guard rateIndex < 3, bits >> 12 & 0xF != 0xF else { throw .malformed(.mp3Header, "a reserved rate") }
        let fullRate = [44_100, 48_000, 32_000][rateIndex]
        switch bits >> 19 & 3 {
        case 3: (sampleRate, samplesPerFrame) = (fullRate, 1152)
        case 2: (sampleRate, samplesPerFrame) = (fullRate / 2, 576)
        case 0: (sampleRate, samplesPerFrame) = (fullRate / 4, 576)
        default: throw .malformed(.mp3Header, "a reserved version")
        }
        channels = bits >> 6 & 3 == 3 ? 1 : 2
        let bitRate = (samplesPerFrame == 1152 ? Self.bitRates : Self.lowBitRates)[Int(bits >> 12 & 0xF)] * 1000
        frameBytes = bitRate == 0 ? nil : samplesPerFrame / 8 * bitRate / sampleRate + Int(bits >> 9 & 1)
    }
}
