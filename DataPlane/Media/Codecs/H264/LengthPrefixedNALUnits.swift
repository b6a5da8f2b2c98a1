package import struct NIOCore.ByteBuffer

/// NAL units behind big-endian lengths, as MP4 and FLV store an access unit (ISO/IEC 14496-15 §5.3.4.2).
package enum LengthPrefixedNALUnits {
    /// The NAL units of `payload` as slices that share its storage.
    package static func split(_ payload: ByteBuffer, lengthBytes: Int = 4) throws(CodecError) -> [ByteBuffer] {
        var rest = payload
        var units: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            guard let unit = nextUnit(of: &rest, lengthBytes: lengthBytes) else { throw .truncated(.nalUnits) }
            if unit.readableBytes > 0 { units.append(unit) }
        }
        return units
    }

    /// The same NAL units behind 4-byte lengths, the only form `AccessUnit` carries. Copies only when it must.
    package static func normalize(_ payload: ByteBuffer, lengthBytes: Int) throws(CodecError) -> ByteBuffer {
        let units = try split(payload, lengthBytes: lengthBytes)
        guard lengthBytes != 4 else { return payload }
        return join(units)
    }

    package static func join(_ units: [ByteBuffer]) -> ByteBuffer {
        var payload = ByteBuffer()
        payload.reserveCapacity(units.reduce(0) { $0 + 4 + $1.readableBytes })
        for unit in units {
            payload.writeInteger(UInt32(unit.readableBytes))
            payload.writeImmutableBuffer(unit)
        }
        return payload
    }

    private static func nextUnit(of rest: inout ByteBuffer, lengthBytes: Int) -> ByteBuffer? {
        guard let prefix = rest.readBytes(length: lengthBytes) else { return nil }
        return rest.readSlice(length: prefix.reduce(0) { $0 << 8 | Int($1) })
    }
}
