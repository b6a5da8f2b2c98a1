package import struct NIOCore.ByteBuffer

/// Reads big-endian fields from a bounded slice of bytes. Every read is checked; nothing is copied but what is returned.
package struct ByteReader {
    /// The bytes ended before the field did.
    package struct Underflow: Error, Equatable, Sendable {
        package init() {}
    }

    private var buffer: ByteBuffer

    package init(_ buffer: ByteBuffer) { self.buffer = buffer }

    package var count: Int { buffer.readableBytes }
    package var isEmpty: Bool { buffer.readableBytes == 0 }

    // Other modules get these without going through the generic form, which costs ten times as much.
    @_specialize(where T == UInt8)
    @_specialize(where T == UInt16)
    @_specialize(where T == UInt32)
    @_specialize(where T == Int64)
    package mutating func integer<T: FixedWidthInteger>(as: T.Type = T.self) throws(Underflow) -> T {
        guard let value = buffer.readInteger(as: T.self) else { throw Underflow() }
        return value
    }

    @_specialize(where T == UInt32)
    package mutating func littleEndian<T: FixedWidthInteger>(as: T.Type = T.self) throws(Underflow) -> T {
        guard let value = buffer.readInteger(endianness: .little, as: T.self) else { throw Underflow() }
        return value
    }

    /// Three bytes, big-endian: the width of RTMP's and FLV's lengths and timestamps.
    package mutating func uint24() throws(Underflow) -> UInt32 {
        guard buffer.readableBytes >= 3 else { throw Underflow() }
        let high: UInt8 = try integer()
        let low: UInt16 = try integer()
        return UInt32(high) << 16 | UInt32(low)
    }

    package mutating func double() throws(Underflow) -> Double {
        Double(bitPattern: try integer(as: UInt64.self))
    }

    /// The next `count` bytes as a slice that shares storage.
    package mutating func slice(_ count: Int) throws(Underflow) -> ByteBuffer {
        guard count >= 0, let slice = buffer.readSlice(length: count) else { throw Underflow() }
        return slice
    }

    /// The next `count` bytes as text; bytes that are not UTF-8 become U+FFFD.
    package mutating func string(_ count: Int) throws(Underflow) -> String {
        guard count >= 0, let text = buffer.readString(length: count) else { throw Underflow() }
        return text
    }

    package mutating func skip(_ count: Int) throws(Underflow) {
        guard count >= 0, buffer.readableBytes >= count else { throw Underflow() }
        buffer.moveReaderIndex(forwardBy: count)
    }

    /// What is left, as a slice that shares storage.
    package mutating func rest() -> ByteBuffer {
        defer { buffer.moveReaderIndex(forwardBy: buffer.readableBytes) }
        return buffer.slice()
    }
}
