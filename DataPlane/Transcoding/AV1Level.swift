/// The level of an encoded picture sequence (AV1 bitstream specification §A.3, Main tier): the lowest of 3.0 and above that
/// allows it.
package enum AV1Level {
    private struct Row {
        var level: UInt8
        var samples: Int
        var sides: (width: Int, height: Int)
        var samplesPerSecond: Int
        var kilobits: Int

        init(_ level: UInt8, _ samples: Int, _ sides: (Int, Int), _ samplesPerSecond: Int, _ kilobits: Int) {
            self.level = level
            self.samples = samples
            self.sides = sides
            self.samplesPerSecond = samplesPerSecond
            self.kilobits = kilobits
        }
    }

    private static let table = [
        Row(30, 665_856, (4352, 2448), 19_975_680, 6000), Row(31, 1_065_024, (5504, 3096), 31_950_720, 10_000),
        Row(40, 2_359_296, (6144, 3456), 70_778_880, 12_000), Row(41, 2_359_296, (6144, 3456), 141_557_760, 20_000),
        Row(50, 8_912_896, (8192, 4352), 267_386_880, 30_000), Row(51, 8_912_896, (8192, 4352), 534_773_760, 40_000),
        Row(52, 8_912_896, (8192, 4352), 1_069_547_520, 60_000),
        Row(60, 35_651_584, (16_384, 8704), 1_069_547_520, 60_000),
    ]

    /// Ten times the level.
    package static func lowest(size: PictureSize, framesPerSecond: Double, bitsPerSecond: Int) -> UInt8 {
        let perSecond = size.samplesPerSecond(framesPerSecond)
        let row = table.first {
            size.pixels <= $0.samples && size.width <= $0.sides.width && size.height <= $0.sides.height
                && perSecond <= $0.samplesPerSecond && bitsPerSecond / 1000 <= $0.kilobits
        }
        return row?.level ?? 61
    }

    /// `seq_level_idx` of ten times a level.
    package static func index(of level: UInt8) -> UInt8 { (level / 10 - 2) * 4 + level % 10 }
}
