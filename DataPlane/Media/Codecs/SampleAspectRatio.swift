import Bytes
package import MediaModel

/// Width of a sample against its height, as H.264 and H.265 tell it in their VUI (ITU-T H.264 §E.2.1, H.265 §E.3.1).
package struct SampleAspectRatio: Hashable, Sendable {
    package let width: Int
    package let height: Int

    /// Beyond, a header is broken: no format is wider than 4:1 to the sample.
    private static let ratioMax = 16

    /// Nil where it is unspecified, or nonsense.
    package init?(width: Int, height: Int) {
        guard width > 0, height > 0, width <= height * Self.ratioMax, height <= width * Self.ratioMax else {
            return nil
        }
        self.width = width
        self.height = height
    }

    /// `aspect_ratio_idc` and, where it is Extended_SAR, what follows.
    init?(from bits: inout BitReader) throws {
        let indicator = Int(try bits.bits(8))
        if indicator == Self.extended {
            self.init(width: Int(try bits.bits(16)), height: Int(try bits.bits(16)))
        } else {
            guard Self.table.indices.contains(indicator) else { return nil }
            self.init(width: Self.table[indicator].0, height: Self.table[indicator].1)
        }
    }

    /// The beginning of usability information up to its timing, which H.264 and H.265 have alike (§E.1.1, §E.2.1).
    static func readUsability(_ bits: inout BitReader) throws -> SampleAspectRatio? {
        let ratio = try bits.bit() ? try SampleAspectRatio(from: &bits) : nil
        if try bits.bit() { try bits.skip(1) }
        if try bits.bit() {
            try bits.skip(4)
            if try bits.bit() { try bits.skip(24) }
        }
        if try bits.bit() {
            _ = try bits.unsignedExpGolomb()
            _ = try bits.unsignedExpGolomb()
        }
        return ratio
    }

    private static let extended = 255
    /// Table E-1.
    private static let table = [
        (0, 0), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11), (80, 33), (18, 11),
        (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
    ]

    /// How wide so many columns are in square samples.
    package func squareWidth(of width: Int) -> Int { (width * self.width * 2 + height) / (height * 2) }
}

extension CodecParameters {
    /// The size to show the picture at, in square samples: wider or narrower than coded where samples are none.
    package var displaySize: (width: Int, height: Int)? {
        pictureSize.map { ((sampleAspectRatio?.squareWidth(of: $0.width) ?? $0.width), $0.height) }
    }

    /// Nil where it is not told.
    package var sampleAspectRatio: SampleAspectRatio? {
        h264SequenceParameterSet?.sampleAspectRatio ?? h265SequenceParameterSet?.sampleAspectRatio
    }
}
