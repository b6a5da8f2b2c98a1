package import struct NIOCore.ByteBuffer

/// One section of a table of program-specific information, long form (ISO/IEC 13818-1 §2.4.4.10).
package struct PSISection: Hashable, Sendable {
    package enum TableID: UInt8, Sendable {
        case programAssociation = 0
        case programMap = 2
    }

    package enum Fault: Error, Hashable, Sendable {
        case truncated
        case badChecksum
        /// A table of another kind, or one that is not in force yet: nothing wrong with it.
        case notForUs
    }

    /// 1,024 bytes with the three of the head (§2.4.4.4, §2.4.4.9).
    package static let byteCountMax = 1024
    private static let checksumBytes = 4
    private static let headBytes = 8

    package let table: TableID
    /// Transport stream id or program number.
    package let tableExtension: UInt16
    package let version: UInt8
    package let body: ByteBuffer

    package init(table: TableID, tableExtension: UInt16, version: UInt8, body: ByteBuffer) {
        self.table = table
        self.tableExtension = tableExtension
        self.version = version & 0x1F
        self.body = body
    }

    package init(parsing bytes: ByteBuffer) throws(Fault) {
        guard bytes.readableBytes >= Self.headBytes + Self.checksumBytes else { throw .truncated }
        guard MPEGChecksum.of(bytes) == 0 else { throw .badChecksum }
        var reader = bytes
        guard let first = reader.readInteger(as: UInt8.self), let table = TableID(rawValue: first),
            reader.readInteger(as: UInt16.self) != nil,
            let tableExtension = reader.readInteger(as: UInt16.self),
            let flags = reader.readInteger(as: UInt8.self), flags & 1 == 1,
            reader.readInteger(as: UInt16.self) != nil,
            let body = reader.readSlice(length: reader.readableBytes - Self.checksumBytes)
        else { throw .notForUs }
        self.init(table: table, tableExtension: tableExtension, version: flags >> 1, body: body)
    }

    /// With head and checksum. One section is all there ever is here: number 0 of 0.
    package func encoded() -> ByteBuffer {
        var bytes = ByteBuffer()
        let length = Self.headBytes - 3 + body.readableBytes + Self.checksumBytes
        bytes.writeInteger(table.rawValue)
        bytes.writeInteger(0xB000 | UInt16(length))
        bytes.writeInteger(tableExtension)
        bytes.writeInteger(0xC0 | version << 1 | 1)
        bytes.writeInteger(UInt16(0))
        bytes.writeImmutableBuffer(body)
        bytes.writeInteger(MPEGChecksum.of(bytes))
        return bytes
    }
}

/// CRC-32 as ISO/IEC 13818-1 annex A has it. Over bytes that end with their own checksum it is zero.
package enum MPEGChecksum {
    private static let polynomial: UInt32 = 0x04C1_1DB7

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index) << 24) { value, _ in
            value & 0x8000_0000 != 0 ? value << 1 ^ polynomial : value << 1
        }
    }

    package static func of(_ bytes: ByteBuffer) -> UInt32 {
        bytes.readableBytesView.reduce(0xFFFF_FFFF) { $0 << 8 ^ table[Int(UInt8(truncatingIfNeeded: $0 >> 24) ^ $1)] }
    }
}
