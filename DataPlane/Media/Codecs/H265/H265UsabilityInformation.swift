import Bytes

/// Shape and rate of pictures, with all that lies between the order of an H.265 SPS's pictures and them (ITU-T H.265
/// §7.3.2.2.1, §E.2.1).
struct H265UsabilityInformation {
    private(set) var sampleAspectRatio: SampleAspectRatio?
    private(set) var framesPerSecond: Double?

    /// Beyond what §7.4.3.2.1 allows the SPS is broken.
    private static let pictureSetsMax = 64
    private static let longTermPicturesMax = 32
    private static let picturesMax = 16

    /// Reads on as far as it goes: some encoders cut the rest short.
    init(from bits: inout BitReader, pictureOrderBits: Int) {
        guard (try? Self.skipToUsability(&bits, pictureOrderBits)) == true else { return }
        try? read(&bits)
    }

    private mutating func read(_ bits: inout BitReader) throws {
        sampleAspectRatio = try SampleAspectRatio.readUsability(&bits)
        try bits.skip(3)
        if try bits.bit() { for _ in 0..<4 { _ = try bits.unsignedExpGolomb() } }
        guard try bits.bit() else { return }
        let (unitsInTick, timeScale) = (try bits.bits(32), try bits.bits(32))
        guard unitsInTick > 0, timeScale > 0 else { return }
        let rate = Double(timeScale) / Double(unitsInTick)
        if (1...480).contains(rate) { framesPerSecond = rate }
    }

    /// False where there is none.
    private static func skipToUsability(_ bits: inout BitReader, _ pictureOrderBits: Int) throws -> Bool {
        for _ in 0..<6 { _ = try bits.unsignedExpGolomb() }
        if try bits.bit(), try bits.bit() { try skipScalingLists(&bits) }
        try bits.skip(2)
        if try bits.bit() {
            try bits.skip(8)
            _ = try bits.unsignedExpGolomb()
            _ = try bits.unsignedExpGolomb()
            try bits.skip(1)
        }
        try skipReferencePictureSets(&bits)
        if try bits.bit() {
            let count = try bounded(bits.unsignedExpGolomb(), longTermPicturesMax)
            try bits.skip(count * (pictureOrderBits + 1))
        }
        try bits.skip(2)
        return try bits.bit()
    }

    /// §7.3.4
    private static func skipScalingLists(_ bits: inout BitReader) throws {
        for size in 0..<4 {
            for _ in stride(from: 0, to: 6, by: size == 3 ? 3 : 1) {
                guard try bits.bit() else {
                    _ = try bits.unsignedExpGolomb()
                    continue
                }
                if size > 1 { _ = try bits.signedExpGolomb() }
                for _ in 0..<min(64, 1 << (4 + size << 1)) { _ = try bits.signedExpGolomb() }
            }
        }
    }

    /// §7.3.7
    private static func skipReferencePictureSets(_ bits: inout BitReader) throws {
        let count = try bounded(bits.unsignedExpGolomb(), pictureSetsMax)
        var pictures = 0
        for index in 0..<count {
            if index > 0, try bits.bit() {
                // Made of the set before: one flag or two for each of its pictures, and for that one itself.
                try bits.skip(1)
                _ = try bits.unsignedExpGolomb()
                var kept = 0
                for _ in 0...pictures {
                    let isUsed = try bits.bit()
                    let isKept = isUsed ? true : try bits.bit()
                    kept += isKept ? 1 : 0
                }
                pictures = kept
            } else {
                let before = try bounded(bits.unsignedExpGolomb(), picturesMax)
                let after = try bounded(bits.unsignedExpGolomb(), picturesMax)
                pictures = before + after
                for _ in 0..<pictures {
                    _ = try bits.unsignedExpGolomb()
                    try bits.skip(1)
                }
            }
        }
    }

    private static func bounded(_ value: UInt32, _ limit: Int) throws -> Int {
        guard value <= limit else {
            throw CodecError.malformed(.h265SequenceParameterSet, "a count of \(value), at most \(limit) is allowed")
        }
        return Int(value)
    }
}
