import Bytes

/// `color_config` of an AV1 sequence header (AV1 bitstream specification §5.5.2), as far as `av1C` repeats it.
package struct AV1ColourConfig: Hashable, Sendable {
    package private(set) var bitDepth = 8
    package private(set) var isMonochrome = false
    package private(set) var isHalfWide = true
    package private(set) var isHalfHigh = true
    package private(set) var samplePosition: UInt8 = 0

    /// BT.709 primaries with the sRGB curve and no matrix are RGB.
    private static let sRGB: UInt32 = 1 << 16 | 13 << 8 | 0

    init(from bits: inout BitReader, profile: UInt8) throws {
        if try bits.bit() { bitDepth = profile == 2 ? (try bits.bit() ? 12 : 10) : 10 }
        isMonochrome = profile == 1 ? false : try bits.bit()
        let description = try bits.bit() ? try bits.bits(24) : nil
        if isMonochrome { return }
        if description == Self.sRGB {
            (isHalfWide, isHalfHigh) = (false, false)
            return
        }
        try bits.skip(1)
        try readSubsampling(&bits, profile: profile)
        if isHalfWide, isHalfHigh { samplePosition = UInt8(try bits.bits(2)) }
    }

    private mutating func readSubsampling(_ bits: inout BitReader, profile: UInt8) throws {
        switch profile {
        case 0: return
        case 1: (isHalfWide, isHalfHigh) = (false, false)
        default:
            guard bitDepth == 12 else {
                isHalfHigh = false
                return
            }
            isHalfWide = try bits.bit()
            isHalfHigh = isHalfWide ? try bits.bit() : false
        }
    }

    /// The third byte of `av1C` below the tier (AV1-ISOBMFF §2.3.3).
    var recordBits: UInt8 {
        let flags = [bitDepth > 8, bitDepth == 12, isMonochrome, isHalfWide, isHalfHigh]
        return flags.reduce(0) { $0 << 1 | ($1 ? 1 : 0) } << 2 | samplePosition
    }
}
