/// The level of an encoded picture sequence (ITU-T H.265 tables A.8 and A.9, Main tier): the lowest of 3 and above that
/// allows it.
package enum H265Level {
    private static let table: [(level: UInt8, samples: Int, samplesPerSecond: Int, kilobits: Int)] = [
        (90, 552_960, 16_588_800, 6000), (93, 983_040, 33_177_600, 10_000), (120, 2_228_224, 66_846_720, 12_000),
        (123, 2_228_224, 133_693_440, 20_000), (150, 8_912_896, 267_386_880, 25_000),
        (153, 8_912_896, 534_773_760, 40_000), (156, 8_912_896, 1_069_547_520, 60_000),
        (180, 35_651_584, 1_069_547_520, 60_000), (183, 35_651_584, 2_139_095_040, 120_000),
    ]

    /// `general_level_idc`, 30 times the level.
    package static func lowest(size: PictureSize, framesPerSecond: Double, bitsPerSecond: Int) -> UInt8 {
        let perSecond = size.samplesPerSecond(framesPerSecond)
        let row = table.first { row in
            // A side may be as long as of eight such pictures in a square (§A.4.1).
            let sideSquareMax = row.samples * 8
            return size.pixels <= row.samples && perSecond <= row.samplesPerSecond
                && bitsPerSecond / 1000 <= row.kilobits
                && size.width * size.width <= sideSquareMax && size.height * size.height <= sideSquareMax
        }
        return row?.level ?? 186
    }
}

extension PictureSize {
    func samplesPerSecond(_ framesPerSecond: Double) -> Int {
        Int((Double(pixels) * min(max(framesPerSecond, 1), 1000)).rounded(.up))
    }
}
