import Bytes

package import struct NIOCore.ByteBuffer

/// Picture size of an AV1 sequence header OBU (AV1 bitstream specification §5.5).
package struct AV1SequenceHeader: Hashable, Sendable {
    package let width: Int
    package let height: Int

    /// The first sequence header among low-overhead OBUs (§5.3); nil when there is none.
    package init?(inOBUs bytes: ByteBuffer) throws(CodecError) {
        var reader = ByteReader(bytes)
        while !reader.isEmpty {
            let unit = try CodecError.reading(.av1SequenceHeader) { try Self.nextUnit(&reader) }
            guard unit.type == 1 else { continue }
            var bits = BitReader(unit.payload)
            self = try CodecError.reading(.av1SequenceHeader) { try Self(from: &bits) }
            return
        }
        return nil
    }

    private static func nextUnit(_ reader: inout ByteReader) throws -> (type: UInt8, payload: ByteBuffer) {
        let header: UInt8 = try reader.integer()
        guard header & 0x80 == 0 else { throw CodecError.malformed(.av1SequenceHeader, "obu_forbidden_bit is set") }
        if header & 0x04 != 0 { try reader.skip(1) }
        let hasSize = header & 0x02 != 0
        let payload = hasSize ? try reader.slice(try leb128(&reader)) : reader.rest()
        return (header >> 3 & 0x0F, payload)
    }

    /// §4.10.5; sizes above 32 bits are not allowed.
    private static func leb128(_ reader: inout ByteReader) throws -> Int {
        var value = 0
        for shift in stride(from: 0, to: 56, by: 7) {
            let byte: UInt8 = try reader.integer()
            value |= Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw CodecError.malformed(.av1SequenceHeader, "an OBU size of more than 8 bytes")
    }

    private init(from bits: inout BitReader) throws {
        try bits.skip(4)
        if try bits.bit() {
            try bits.skip(5)
        } else {
            try Self.skipOperatingPoints(&bits)
        }
        let widthBits = Int(try bits.bits(4)) + 1
        let heightBits = Int(try bits.bits(4)) + 1
        width = Int(try bits.bits(widthBits)) + 1
        height = Int(try bits.bits(heightBits)) + 1
    }

    private static func skipOperatingPoints(_ bits: inout BitReader) throws {
        var delayBits: Int?
        if try bits.bit() {
            try bits.skip(64)
            if try bits.bit() { _ = try bits.unsignedExpGolomb() }
            if try bits.bit() {
                delayBits = Int(try bits.bits(5)) + 1
                try bits.skip(32 + 5 + 5)
            }
        }
        let hasDisplayDelay = try bits.bit()
        for _ in 0...(try bits.bits(5)) {
            try bits.skip(12)
            if try bits.bits(5) > 7 { try bits.skip(1) }
            if let delayBits, try bits.bit() { try bits.skip(2 * delayBits + 1) }
            if hasDisplayDelay, try bits.bit() { try bits.skip(4) }
        }
    }
}
