import Codecs

import struct NIOCore.ByteBuffer

/// What RFC 6184 and RFC 7798 have in common: a unit that fits goes alone or together with its neighbours, another one in
/// fragments. They differ in the headers.
protocol NALUnitFormat {
    /// As long as that of the codec's NAL units.
    associatedtype Header: FixedWidthInteger

    /// Of a packet that holds units with these headers.
    static func aggregation(of headers: [Header]) -> Header
    /// What stands in a fragment instead of the unit's own header: a header, and a byte with S, E and the unit's type.
    static func fragment(of header: Header) -> (header: Header, type: UInt8)
}

extension NALUnitFormat {
    private static var headerBytes: Int { MemoryLayout<Header>.size }

    static func write(_ units: [ByteBuffer], payloadBytesMax: Int, into writer: inout PayloadWriter) {
        var rest = units[...]
        while let unit = rest.first {
            let together = aggregable(rest, payloadBytesMax)
            if together > 1 {
                writeAggregation(rest.prefix(together), into: &writer)
            } else if unit.readableBytes <= payloadBytesMax {
                writer.storage.writeImmutableBuffer(unit)
                writer.endPayload()
            } else {
                writeFragments(unit, payloadBytesMax, into: &writer)
            }
            rest.removeFirst(max(1, together))
        }
    }

    /// How many of the next units fit one packet, each behind its length.
    private static func aggregable(_ units: ArraySlice<ByteBuffer>, _ payloadBytesMax: Int) -> Int {
        var size = headerBytes
        return units.prefix {
            size += 2 + $0.readableBytes
            return size <= payloadBytesMax
        }.count
    }

    private static func writeAggregation(_ units: ArraySlice<ByteBuffer>, into writer: inout PayloadWriter) {
        writer.storage.writeInteger(aggregation(of: units.compactMap { $0.getInteger(at: $0.readerIndex) }))
        for unit in units {
            writer.storage.writeInteger(UInt16(unit.readableBytes))
            writer.storage.writeImmutableBuffer(unit)
        }
        writer.endPayload()
    }

    private static func writeFragments(_ unit: ByteBuffer, _ payloadBytesMax: Int, into writer: inout PayloadWriter) {
        var rest = unit
        guard let own = rest.readInteger(as: Header.self) else { return }
        let (header, type) = fragment(of: own)
        var isStart = true
        while let piece = rest.readSlice(length: min(rest.readableBytes, payloadBytesMax - headerBytes - 1)) {
            let isEnd = rest.readableBytes == 0
            writer.storage.writeInteger(header)
            writer.storage.writeInteger(type | (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0))
            writer.storage.writeImmutableBuffer(piece)
            writer.endPayload()
            if isEnd { return }
            isStart = false
        }
    }
}

extension [ByteBuffer] {
    /// An access unit delimiter stays first (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4).
    mutating func insert(parameterSets: [ByteBuffer], behind isDelimiter: (ByteBuffer) -> Bool) {
        insert(contentsOf: parameterSets, at: first.map(isDelimiter) == true ? 1 : 0)
    }
}
