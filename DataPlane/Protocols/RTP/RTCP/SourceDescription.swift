import Bytes

import struct NIOCore.ByteBuffer

/// SDES (RFC 3550 §6.5). Only CNAME is kept: it tells which sources share a clock.
package struct SourceDescription: Hashable, Sendable {
    package struct Chunk: Hashable, Sendable {
        package var ssrc: SSRC
        package var canonicalName: String?

        package init(ssrc: SSRC, canonicalName: String?) {
            self.ssrc = ssrc
            self.canonicalName = canonicalName
        }
    }

    package var chunks: [Chunk]

    package init(chunks: [Chunk]) { self.chunks = chunks }

    private static let canonicalNameItem: UInt8 = 1

    init(from reader: inout ByteReader, count: UInt8) throws {
        chunks = []
        for _ in 0..<count { chunks.append(try Self.chunk(from: &reader)) }
    }

    private static func chunk(from reader: inout ByteReader) throws -> Chunk {
        var chunk = Chunk(ssrc: SSRC(try reader.integer()), canonicalName: nil)
        while true {
            let type: UInt8 = try reader.integer()
            guard type != 0 else { break }
            let text = try reader.string(Int(try reader.integer(as: UInt8.self)))
            if type == canonicalNameItem { chunk.canonicalName = text }
        }
        // Each chunk ends on a 32-bit boundary, and so does the packet: what is left tells where we are.
        try reader.skip(reader.count & 3)
        return chunk
    }

    func encode(into bytes: inout ByteBuffer) -> UInt8 {
        let count = min(chunks.count, 31)
        for chunk in chunks.prefix(count) {
            let start = bytes.writerIndex
            bytes.writeInteger(chunk.ssrc.value)
            if let name = chunk.canonicalName {
                let text = name.utf8.prefix(255)
                bytes.writeInteger(Self.canonicalNameItem)
                bytes.writeInteger(UInt8(text.count))
                bytes.writeBytes(text)
            }
            // One zero ends the list, the others fill up.
            bytes.writeRepeatingByte(0, count: 4 - (bytes.writerIndex - start) & 3)
        }
        return UInt8(count)
    }
}

/// BYE (RFC 3550 §6.6).
package struct Goodbye: Hashable, Sendable {
    package var sources: [SSRC]
    package var reason: String?

    package init(sources: [SSRC], reason: String? = nil) {
        self.sources = sources
        self.reason = reason
    }

    init(from reader: inout ByteReader, count: UInt8) throws {
        sources = try (0..<count).map { _ in SSRC(try reader.integer()) }
        reason = reader.isEmpty ? nil : try reader.string(Int(try reader.integer(as: UInt8.self)))
    }

    func encode(into bytes: inout ByteBuffer) -> UInt8 {
        let count = min(sources.count, 31)
        for source in sources.prefix(count) { bytes.writeInteger(source.value) }
        if let reason {
            let text = reason.utf8.prefix(255)
            bytes.writeInteger(UInt8(text.count))
            bytes.writeBytes(text)
            bytes.writeRepeatingByte(0, count: -(1 + text.count) & 3)
        }
        return UInt8(count)
    }
}
