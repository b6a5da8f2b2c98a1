package import struct NIOCore.ByteBuffer

/// Reads bit fields, most significant bit first, from a copy of a short run of bytes (a parameter set, a config record).
package struct BitReader {
    package typealias Underflow = ByteReader.Underflow

    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ buffer: ByteBuffer) { bytes = Array(buffer.readableBytesView) }

    package var bitsLeft: Int { bytes.count * 8 - position }

    package mutating func bit() throws(Underflow) -> Bool {
        guard position < bytes.count * 8 else { throw Underflow() }
        defer { position += 1 }
        return bytes[position >> 3] >> (7 - UInt8(position & 7)) & 1 == 1
    }

    /// The next `count` bits as a number; `count` is 0 to 32.
    package mutating func bits(_ count: Int) throws(Underflow) -> UInt32 {
        guard bitsLeft >= count else { throw Underflow() }
        var value: UInt32 = 0
        for _ in 0..<count { value = value << 1 | (try bit() ? 1 : 0) }
        return value
    }

    package mutating func skip(_ count: Int) throws(Underflow) {
        guard count >= 0, bitsLeft >= count else { throw Underflow() }
        position += count
    }

    /// ue(v), an unsigned Exp-Golomb code (H.264 §9.1).
    package mutating func unsignedExpGolomb() throws(Underflow) -> UInt32 {
        var zeros = 0
        while try !bit() {
            zeros += 1
            guard zeros <= 31 else { throw Underflow() }
        }
        return try bits(zeros) + (UInt32(1) << UInt32(zeros) - 1)
    }

    /// se(v), a signed Exp-Golomb code (H.264 §9.1.1).
    package mutating func signedExpGolomb() throws(Underflow) -> Int32 {
        let code = try unsignedExpGolomb()
        return code & 1 == 1 ? Int32(code / 2) + 1 : -Int32(code / 2)
    }
}
