package import struct NIOCore.ByteBuffer

/// The four bytes in front of an MPEG-1, MPEG-2 or MPEG-2.5 layer III frame (ISO/IEC 11172-3 §2.4.1.3).
package struct MP3FrameHeader: Hashable, Sendable {
    package let sampleRate: Int
    package let channels: Int
    package let samplesPerFrame: Int

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
    }
}
