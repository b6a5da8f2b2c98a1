package import struct NIOCore.ByteBuffer

/// The byte stream format with start codes (ITU-T H.264 annex B, the same in H.265), as MPEG-TS and encoders carry it.
package enum AnnexB {
    /// The NAL units between the start codes of `stream`, as slices. Bytes before the first start code are dropped.
    package static func split(_ stream: ByteBuffer) -> [ByteBuffer] {
        let starts = startCodes(in: stream)
        var units: [ByteBuffer] = []
        for (number, code) in starts.enumerated() {
            let end = number + 1 < starts.count ? starts[number + 1].start : stream.readableBytes
            guard let unit = trimmed(stream, from: code.end, to: end) else { continue }
            units.append(unit)
        }
        return units
    }

    package static func lengthPrefixed(_ stream: ByteBuffer) -> ByteBuffer {
        LengthPrefixedNALUnits.join(split(stream))
    }

    /// The byte stream of an access unit, `parameterSets` first: what a keyframe needs where no header travels apart.
    package static func stream(
        fromLengthPrefixed payload: ByteBuffer,
        parameterSets: [ByteBuffer] = []
    ) throws(CodecError) -> ByteBuffer {
        join(try parameterSets + LengthPrefixedNALUnits.split(payload))
    }

    /// The byte stream of `units`, each behind a start code of four bytes.
    package static func join(_ units: [ByteBuffer]) -> ByteBuffer {
        var stream = ByteBuffer()
        stream.reserveCapacity(units.reduce(0) { $0 + 4 + $1.readableBytes })
        for unit in units {
            stream.writeInteger(UInt32(1))
            stream.writeImmutableBuffer(unit)
        }
        return stream
    }

    private static func startCodes(in stream: ByteBuffer) -> [(start: Int, end: Int)] {
        var codes: [(start: Int, end: Int)] = []
        var zeros = 0
        for (offset, byte) in stream.readableBytesView.enumerated() {
            if byte == 0 {
                zeros += 1
            } else {
                if byte == 1, zeros >= 2 { codes.append((offset - zeros, offset + 1)) }
                zeros = 0
            }
        }
        return codes
    }

    /// Trailing zero bytes belong to the byte stream, not to the NAL unit (§B.1.1).
    private static func trimmed(_ stream: ByteBuffer, from start: Int, to end: Int) -> ByteBuffer? {
        var end = end
        while end > start, stream.getInteger(at: stream.readerIndex + end - 1, as: UInt8.self) == 0 { end -= 1 }
        return end > start ? stream.getSlice(at: stream.readerIndex + start, length: end - start) : nil
    }
}
