import Bytes

package import struct NIOCore.ByteBuffer

/// Picture size, shape and order of an H.265 SPS (ITU-T H.265 §7.3.2.2.1).
package struct H265SequenceParameterSet: Hashable, Sendable {
    /// Level 6.2 ends at 8,192 × 4,320; beyond this the SPS is broken.
    package static let dimensionMax = 16_384

    /// Inside the conformance window.
    package let width: Int
    package let height: Int
    /// general_profile_space to general_level_idc, twelve bytes as they stand in the SPS and in `hvcC` (§7.3.3).
    package let generalProfileTierLevel: [UInt8]
    /// Temporal sub-layers.
    package let subLayers: Int
    package let isTemporalIDNested: Bool
    package let chromaFormat: UInt8
    package let bitDepthLuma: UInt8
    package let bitDepthChroma: UInt8
    /// How many pictures a decoder holds back to show them in order; nil when the SPS is cut short before it.
    package let reorderedPicturesMax: Int?
    /// Nil where it is not told.
    package let sampleAspectRatio: SampleAspectRatio?
    package let framesPerSecond: Double?

    package init(parsing nalUnit: ByteBuffer) throws(CodecError) {
        var bits = BitReader(RBSP.unescape(nalUnit, headerBytes: 2))
        self = try CodecError.reading(.h265SequenceParameterSet) { try Self(from: &bits) }
    }

    private init(from bits: inout BitReader) throws {
        try bits.skip(4)
        let subLayers = Int(try bits.bits(3))
        self.subLayers = subLayers + 1
        isTemporalIDNested = try bits.bit()
        generalProfileTierLevel = try (0..<12).map { _ in UInt8(try bits.bits(8)) }
        try Self.skipSubLayers(&bits, subLayers)
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
        let (luma, chroma) = (try bits.unsignedExpGolomb(), try bits.unsignedExpGolomb())
        guard luma <= 8, chroma <= 8 else {
            throw CodecError.malformed(.h265SequenceParameterSet, "bit depths of \(luma) and \(chroma) above 8")
        }
        (bitDepthLuma, bitDepthChroma) = (UInt8(luma) + 8, UInt8(chroma) + 8)
        // Some encoders cut the rest short.
        guard let order = try? H265PictureOrder(from: &bits, subLayers: subLayers + 1) else {
            (reorderedPicturesMax, sampleAspectRatio, framesPerSecond) = (nil, nil, nil)
            return
        }
        reorderedPicturesMax = order.reorderedPicturesMax
        let usability = H265UsabilityInformation(from: &bits, pictureOrderBits: order.bits)
        (sampleAspectRatio, framesPerSecond) = (usability.sampleAspectRatio, usability.framesPerSecond)
    }

    /// §7.3.3
    private static func skipSubLayers(_ bits: inout BitReader, _ subLayers: Int) throws {
        guard subLayers > 0 else { return }
        var present: [(profile: Bool, level: Bool)] = []
        for _ in 0..<subLayers { present.append((try bits.bit(), try bits.bit())) }
        try bits.skip(2 * (8 - subLayers))
        for layer in present { try bits.skip((layer.profile ? 88 : 0) + (layer.level ? 8 : 0)) }
    }
}

/// What a decoder holds back to show pictures in order (ITU-T H.265 §7.3.2.2.1), behind `bit_depth_chroma_minus8`.
private struct H265PictureOrder {
    let bits: Int
    let reorderedPicturesMax: Int

    init(from bits: inout BitReader, subLayers: Int) throws {
        self.bits = Int(try bits.unsignedExpGolomb()) + 4
        var reordered: UInt32 = 0
        // The last is that of the highest sub-layer, with which all are decoded.
        for _ in 0..<(try bits.bit() ? subLayers : 1) {
            _ = try bits.unsignedExpGolomb()
            reordered = try bits.unsignedExpGolomb()
            _ = try bits.unsignedExpGolomb()
        }
        reorderedPicturesMax = Int(reordered)
    }
}
