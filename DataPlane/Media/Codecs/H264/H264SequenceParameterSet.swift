import Bytes

package import struct NIOCore.ByteBuffer

/// The fields of an H.264 SPS that a server needs (ITU-T H.264 §7.3.2.1.1 and annex E).
package struct H264SequenceParameterSet: Hashable, Sendable {
    /// Frames larger than this are refused: level 6.2 ends far below.
    package static let dimensionMax = 16_384

    package private(set) var profile: UInt8 = 0
    package private(set) var level: UInt8 = 0
    package private(set) var chromaFormat: UInt8 = 1
    package private(set) var bitDepthLuma: UInt8 = 8
    package private(set) var bitDepthChroma: UInt8 = 8
    /// After cropping.
    package private(set) var width = 0
    package private(set) var height = 0
    /// From the VUI's timing information, when it is there and sane.
    package private(set) var framesPerSecond: Double?
    /// How many pictures a decoder holds back to show them in order; nil when the SPS does not tell.
    package private(set) var reorderedPicturesMax: Int?
    /// Nil where it is not told.
    package private(set) var sampleAspectRatio: SampleAspectRatio?

    private var separateColourPlanes = false
    private var frameMacroblocksOnly = true

    package init(parsing nalUnit: ByteBuffer) throws(CodecError) {
        var bits = BitReader(RBSP.unescape(nalUnit, headerBytes: 1))
        var set = Self()
        try CodecError.reading(.h264SequenceParameterSet) {
            try set.readProfile(&bits)
            try set.readPictureOrderCount(&bits)
            try set.readFrameSize(&bits)
        }
        // Some encoders cut the VUI short; the picture size above is what counts.
        try? set.readUsability(&bits)
        self = set
    }

    /// The profiles whose SPS says chroma format and bit depth.
    package var hasChromaFields: Bool {
        [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(profile)
    }

    private init() {}

    private mutating func readProfile(_ bits: inout BitReader) throws {
        profile = UInt8(try bits.bits(8))
        try bits.skip(8)
        level = UInt8(try bits.bits(8))
        _ = try bits.unsignedExpGolomb()
        guard hasChromaFields else { return }
        chromaFormat = UInt8(try Self.bounded(bits.unsignedExpGolomb(), 3, "chroma_format_idc"))
        if chromaFormat == 3 { separateColourPlanes = try bits.bit() }
        bitDepthLuma = 8 + UInt8(try Self.bounded(bits.unsignedExpGolomb(), 6, "bit_depth_luma_minus8"))
        bitDepthChroma = 8 + UInt8(try Self.bounded(bits.unsignedExpGolomb(), 6, "bit_depth_chroma_minus8"))
        try bits.skip(1)
        guard try bits.bit() else { return }
        for list in 0..<(chromaFormat == 3 ? 12 : 8) where try bits.bit() {
            try Self.skipScalingList(&bits, size: list < 6 ? 16 : 64)
        }
    }

    /// §7.3.2.1.1.1
    private static func skipScalingList(_ bits: inout BitReader, size: Int) throws {
        var last: Int32 = 8
        var next: Int32 = 8
        for _ in 0..<size {
            if next != 0 { next = (last &+ (try bits.signedExpGolomb())) & 0xFF }
            if next != 0 { last = next }
        }
    }

    private mutating func readPictureOrderCount(_ bits: inout BitReader) throws {
        // Baseline has no B slices.
        if profile == 66 { reorderedPicturesMax = 0 }
        _ = try bits.unsignedExpGolomb()
        switch try bits.unsignedExpGolomb() {
        case 0: _ = try bits.unsignedExpGolomb()
        case 1:
            try bits.skip(1)
            _ = try bits.signedExpGolomb()
            _ = try bits.signedExpGolomb()
            let count = try Self.bounded(bits.unsignedExpGolomb(), 255, "num_ref_frames_in_pic_order_cnt_cycle")
            for _ in 0..<count { _ = try bits.signedExpGolomb() }
        // §8.2.1.3: shown as decoded.
        case 2: reorderedPicturesMax = 0
        case let type: throw CodecError.malformed(.h264SequenceParameterSet, "pic_order_cnt_type \(type)")
        }
        _ = try bits.unsignedExpGolomb()
        try bits.skip(1)
    }

    private mutating func readFrameSize(_ bits: inout BitReader) throws {
        let unitsMax = UInt32(Self.dimensionMax / 16 - 1)
        let columns = 1 + Int(try Self.bounded(bits.unsignedExpGolomb(), unitsMax, "pic_width_in_mbs_minus1"))
        let rows = 1 + Int(try Self.bounded(bits.unsignedExpGolomb(), unitsMax, "pic_height_in_map_units_minus1"))
        frameMacroblocksOnly = try bits.bit()
        if !frameMacroblocksOnly { try bits.skip(1) }
        try bits.skip(1)
        width = columns * 16
        height = rows * 16 * (frameMacroblocksOnly ? 1 : 2)
        if try bits.bit() { try crop(&bits) }
    }

    /// Equations 7-18 to 7-21.
    private mutating func crop(_ bits: inout BitReader) throws {
        let array = separateColourPlanes ? 0 : chromaFormat
        let unitX = array == 1 || array == 2 ? 2 : 1
        let unitY = (array == 1 ? 2 : 1) * (frameMacroblocksOnly ? 1 : 2)
        var offsets: [Int] = []
        for _ in 0..<4 { offsets.append(Int(try bits.unsignedExpGolomb())) }
        width -= (offsets[0] + offsets[1]) * unitX
        height -= (offsets[2] + offsets[3]) * unitY
        guard width > 0, height > 0 else {
            throw CodecError.malformed(.h264SequenceParameterSet, "the cropping leaves no picture")
        }
    }

    /// §E.1.1, but for the size of the decoder's buffer.
    private mutating func readUsability(_ bits: inout BitReader) throws {
        guard try bits.bit() else { return }
        sampleAspectRatio = try SampleAspectRatio.readUsability(&bits)
        if try bits.bit() { try readTiming(&bits) }
        let hasBuffers = (try Self.skipBuffer(&bits), try Self.skipBuffer(&bits))
        try bits.skip(hasBuffers.0 || hasBuffers.1 ? 2 : 1)
        guard try bits.bit() else { return }
        try bits.skip(1)
        for _ in 0..<4 { _ = try bits.unsignedExpGolomb() }
        reorderedPicturesMax = Int(try Self.bounded(bits.unsignedExpGolomb(), 16, "max_num_reorder_frames"))
    }

    private mutating func readTiming(_ bits: inout BitReader) throws {
        let unitsInTick = try bits.bits(32)
        let timeScale = try bits.bits(32)
        let rate = unitsInTick > 0 ? Double(timeScale) / (2 * Double(unitsInTick)) : 0
        if (1...480).contains(rate) { framesPerSecond = rate }
        try bits.skip(1)
    }

    /// §E.1.2; false when there is none.
    private static func skipBuffer(_ bits: inout BitReader) throws -> Bool {
        guard try bits.bit() else { return false }
        let count = 1 + (try bounded(bits.unsignedExpGolomb(), 31, "cpb_cnt_minus1"))
        try bits.skip(8)
        for _ in 0..<count {
            for _ in 0..<2 { _ = try bits.unsignedExpGolomb() }
            try bits.skip(1)
        }
        try bits.skip(20)
        return true
    }

    private static func bounded(_ value: UInt32, _ limit: UInt32, _ field: String) throws -> UInt32 {
        guard value <= limit else {
            throw CodecError.malformed(.h264SequenceParameterSet, "\(field) is \(value), at most \(limit) is allowed")
        }
        return value
    }
}
