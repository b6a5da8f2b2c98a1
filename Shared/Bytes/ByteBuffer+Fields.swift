package import struct NIOCore.ByteBuffer

extension ByteBuffer {
    /// Three bytes, big-endian. Bits above the 24th are cut off.
    package mutating func writeUInt24(_ value: UInt32) {
        writeInteger(UInt8(truncatingIfNeeded: value >> 16))
        writeInteger(UInt16(truncatingIfNeeded: value))
    }

    /// A four-character code as its ASCII bytes (`avc1`, `moof`).
    package mutating func writeFourCC(_ code: FourCC) { writeInteger(code.value) }
}

/// A four-character code: four ASCII bytes read as one big-endian number.
package struct FourCC: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package var value: UInt32

    package init(_ value: UInt32) { self.value = value }

    package init(stringLiteral text: StaticString) {
        precondition(text.utf8CodeUnitCount == 4, "a FourCC has four bytes")
        value = text.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
    }

    package var description: String {
        String(decoding: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }, as: UTF8.self)
    }
}
