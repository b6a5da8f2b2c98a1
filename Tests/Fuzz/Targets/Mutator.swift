/// Makes new inputs from old ones, the same for the same seed.
package struct Mutator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// One to four small damages: bits, bytes, boundary values, cuts, repeats, and splices with another input.
    package mutating func mutate(_ input: [UInt8], splicingFrom other: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0...below(4) { damage(&bytes, other) }
        return bytes
    }

    private mutating func damage(_ bytes: inout [UInt8], _ other: [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = [UInt8(truncatingIfNeeded: next())]
            return
        }
        let position = below(bytes.count)
        let length = below(min(64, bytes.count - position)) + 1
        switch below(8) {
        case 0: bytes[position] ^= 1 << UInt8(below(8))
        case 1: bytes[position] = UInt8(truncatingIfNeeded: next())
        case 2: bytes[position] = [0x00, 0x01, 0x7F, 0x80, 0xFF][below(5)]
        case 3: for index in position..<min(position + 4, bytes.count) { bytes[index] = below(2) == 0 ? 0 : 0xFF }
        case 4: bytes.removeSubrange(position..<position + length)
        case 5: bytes.insert(contentsOf: bytes[position..<position + length], at: position)
        case 6: bytes.removeLast(length)
        default:
            guard !other.isEmpty else { return }
            let start = below(other.count)
            bytes.insert(contentsOf: other[start..<min(start + length, other.count)], at: position)
        }
    }

    private mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
