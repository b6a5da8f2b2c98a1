import Bytes

package import struct NIOCore.ByteBuffer

/// An OBU in the low-overhead format (AV1 bitstream specification §5.3).
struct AV1Unit {
    static let sequenceHeader: UInt8 = 1
    static let temporalDelimiter: UInt8 = 2

    let type: UInt8
    let payload: ByteBuffer

    static func next(_ reader: inout ByteReader) throws -> AV1Unit {
        let header: UInt8 = try reader.integer()
        guard header & 0x80 == 0 else { throw CodecError.malformed(.av1SequenceHeader, "obu_forbidden_bit is set") }
        if header & 0x04 != 0 { try reader.skip(1) }
        let hasSize = header & 0x02 != 0
        let payload = hasSize ? try reader.slice(try leb128(&reader)) : reader.rest()
        return AV1Unit(type: header >> 3 & 0x0F, payload: payload)
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
}

package enum AV1TemporalUnit {
    /// As containers store it (AV1-ISOBMFF §2.4): what lies between two units says the same as a delimiter.
    package static func withoutDelimiters(_ bytes: ByteBuffer) throws(CodecError) -> ByteBuffer {
        var reader = ByteReader(bytes)
        var kept = ByteBuffer()
        while !reader.isEmpty {
            let start = bytes.readableBytes - reader.count
            let unit = try CodecError.reading(.av1SequenceHeader) { try AV1Unit.next(&reader) }
            let length = bytes.readableBytes - reader.count - start
            guard unit.type != AV1Unit.temporalDelimiter,
                let whole = bytes.getSlice(at: bytes.readerIndex + start, length: length)
            else { continue }
            kept.writeImmutableBuffer(whole)
        }
        return kept
    }
}
