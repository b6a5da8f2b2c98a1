import Bytes

package import struct NIOCore.ByteBuffer

/// Picture size of an H.265 SPS (ITU-T H.265 §7.3.2.2.1).
package struct H265SequenceParameterSet: Hashable, Sendable {
    /// Level 6.2 ends at 8,192 × 4,320; beyond this the SPS is broken.
    package static let dimensionMax = 16_384

    /// Inside the conformance window.
    package let width: Int
    package let height: Int
    package let chromaFormat: UInt8
    package let bitDepthLuma: UInt8
    package let bitDepthChroma: UInt8
    package let temporalLayers: UInt8
    package let isTemporallyNested: Bool

    package init(parsing nalUnit: ByteBuffer) throws(CodecError) {
        var bits = BitReader(RBSP.unescape(nalUnit, headerBytes: 2))
        self = try CodecError.reading(.h265SequenceParameterSet) { try Self(from: &bits) }
    }

    private init(from bits: inout BitReader) throws {
        try bits.skip(4)
        let subLayers = Int(try bits.bits(3))
        isTemporallyNested = try bits.bit()
        temporalLayers = UInt8(subLayers + 1)
        try Self.skipProfileTierLevel(&bits, subLayers: subLayers)
        _ = try bits.unsignedExpGolomb()
        let chromaFormat = try bits.unsignedExpGolomb()
        guard chromaFormat <= 3 else {
            throw CodecError.malformed(.h265SequenceParameterSet, "chroma_format_idc is \(chromaFormat)")
        }
        let separateColourPlanes = chromaFormat == 3 ? try bits.bit() : false
        var size = (width: Int(try bits.unsignedExpGolomb()), height: Int(try bits.unsignedExpGolomb()))
        if try bits.bit() {
            let array = separateColourPlanes ? 0 : chromaFormat
            let unit = (x: array == 1 || array == 2 ? 2 : 1, y: array == 1 ? 2 : 1)
            size.width -= (Int(try bits.unsignedExpGolomb()) + Int(try bits.unsignedExpGolomb())) * unit.x
            size.height -= (Int(try bits.unsignedExpGolomb()) + Int(try bits.unsignedExpGolomb())) * unit.y
        }
        guard (1...Self.dimensionMax).contains(size.width), (1...Self.dimensionMax).contains(size.height) else {
            throw CodecError.malformed(.h265SequenceParameterSet, "the picture is \(size.width) × \(size.height)")
        }
        (width, height) = size
        self.chromaFormat = UInt8(chromaFormat)
        bitDepthLuma = 8 + (try Self.bitDepth(&bits))
        bitDepthChroma = 8 + (try Self.bitDepth(&bits))
    }

    private static func bitDepth(_ bits: inout BitReader) throws -> UInt8 {
        let beyondEight = try bits.unsignedExpGolomb()
        guard beyondEight <= 8 else {
            throw CodecError.malformed(.h265SequenceParameterSet, "a bit depth of \(8 + UInt64(beyondEight))")
        }
        return UInt8(beyondEight)
    }

    /// §7.3.3
    private static func skipProfileTierLevel(_ bits: inout BitReader, subLayers: Int) throws {
        try bits.skip(88 + 8)
        guard subLayers > 0 else { return }
        var present: [(profile: Bool, level: Bool)] = []
        for _ in 0..<subLayers { present.append((try bits.bit(), try bits.bit())) }
        try bits.skip(2 * (8 - subLayers))
        for layer in present { try bits.skip((layer.profile ? 88 : 0) + (layer.level ? 8 : 0)) }
    }
}
