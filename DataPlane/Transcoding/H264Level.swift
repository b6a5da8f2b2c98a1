/// The level of an encoded picture sequence (ITU-T H.264 table A-1): the lowest of 3.0 and above that allows it. Every player
/// of today takes 3.0.
package enum H264Level {
    private static let table: [(level: UInt8, macroblocksPerSecond: Int, macroblocks: Int, kilobits: Int)] = [
        (30, 40_500, 1620, 10_000), (31, 108_000, 3600, 14_000), (32, 216_000, 5120, 20_000),
        (40, 245_760, 8192, 20_000), (41, 245_760, 8192, 50_000), (42, 522_240, 8704, 50_000),
        (50, 589_824, 22_080, 135_000), (51, 983_040, 36_864, 240_000),
    ]

    /// `level_idc`.
    package static func lowest(size: PictureSize, framesPerSecond: Double, bitsPerSecond: Int) -> UInt8 {
        let macroblocks = ((size.width + 15) / 16) * ((size.height + 15) / 16)
        let perSecond = Int((Double(macroblocks) * min(max(framesPerSecond, 1), 1000)).rounded(.up))
        let row = table.first {
            perSecond <= $0.macroblocksPerSecond && macroblocks <= $0.macroblocks && bitsPerSecond / 1000 <= $0.kilobits
        }
        return row?.level ?? 52
    }
}
