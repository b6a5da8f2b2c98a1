import Bytes

import struct NIOCore.ByteBuffer

/// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): when each packet arrived.
///
/// ```
/// | base sequence number          | packet status count           |
/// | reference time                                | feedback count|
/// | packet chunk …                | recv delta …                  |
/// ```
package struct TransportFeedback: Hashable, Sendable {
    /// In units of 250 µs.
    package static let deltaMicroseconds: Int64 = 250
    /// In units of 64 ms.
    package static let referenceMicroseconds: Int64 = 64_000

    package var sender: SSRC
    package var media: SSRC
    package var baseSequence: UInt16
    /// Signed 24 bits, in units of 64 ms; wraps.
    package var referenceTime: Int32
    package var feedbackCount: UInt8
    /// For each packet from `baseSequence` on: how long after the one before it (the first: after the reference time) it
    /// arrived, in 250 µs; nil for one that did not.
    package var deltas: [Int16?]

    package init(
        sender: SSRC,
        media: SSRC,
        baseSequence: UInt16,
        referenceTime: Int32,
        feedbackCount: UInt8,
        deltas: [Int16?]
    ) {
        self.sender = sender
        self.media = media
        self.baseSequence = baseSequence
        self.referenceTime = referenceTime
        self.feedbackCount = feedbackCount
        self.deltas = deltas
    }

    /// §3.1.1
    private enum Symbol {
        static let lost: UInt8 = 0
        static let small: UInt8 = 1
        static let large: UInt8 = 2
    }

    init(from reader: inout ByteReader) throws {
        sender = SSRC(try reader.integer())
        media = SSRC(try reader.integer())
        baseSequence = try reader.integer()
        let count = Int(try reader.integer(as: UInt16.self))
        referenceTime = Int32(bitPattern: try reader.uint24() << 8) >> 8
        feedbackCount = try reader.integer()
        var symbols: [UInt8] = []
        while symbols.count < count { Self.read(chunk: try reader.integer(), into: &symbols) }
        deltas = try symbols.prefix(count).map { symbol in
            switch symbol {
            case Symbol.lost: nil
            case Symbol.small: Int16(try reader.integer(as: UInt8.self))
            case Symbol.large: try reader.integer()
            default: throw RTPError.malformed(.transportFeedback, "a reserved status")
            }
        }
    }

    /// A run length (§3.1.3) or a status vector of fourteen or seven symbols (§3.1.4).
    private static func read(chunk: UInt16, into symbols: inout [UInt8]) {
        switch chunk >> 14 {
        case 0, 1: symbols += Array(repeating: UInt8(chunk >> 13 & 3), count: Int(chunk & 0x1FFF))
        case 2: for bit in 0..<14 as Range<UInt16> { symbols.append(UInt8(chunk >> (13 - bit) & 1)) }
        default: for pair in 0..<7 as Range<UInt16> { symbols.append(UInt8(chunk >> (12 - 2 * pair) & 3)) }
        }
    }

    func encode(into bytes: inout ByteBuffer) {
        let start = bytes.writerIndex
        bytes.writeInteger(sender.value)
        bytes.writeInteger(media.value)
        bytes.writeInteger(baseSequence)
        bytes.writeInteger(UInt16(deltas.count))
        bytes.writeUInt24(UInt32(bitPattern: referenceTime) & 0xFF_FFFF)
        bytes.writeInteger(feedbackCount)
        let symbols = deltas.map { delta in
            delta.map { (0...255).contains($0) ? Symbol.small : Symbol.large } ?? Symbol.lost
        }
        var rest = symbols[...]
        while !rest.isEmpty { bytes.writeInteger(Self.takeChunk(&rest)) }
        for case let delta? in deltas {
            if let small = UInt8(exactly: delta) { bytes.writeInteger(small) } else { bytes.writeInteger(delta) }
        }
        bytes.writeRepeatingByte(0, count: -(bytes.writerIndex - start) & 3)
    }

    /// A run when it covers more than a vector would, then the vector that fits.
    private static func takeChunk(_ symbols: inout ArraySlice<UInt8>) -> UInt16 {
        guard let first = symbols.first else { return 0 }
        let run = symbols.prefix(0x1FFF).prefix { $0 == first }.count
        let head = symbols.prefix(14)
        let fitsOneBit = !head.contains(Symbol.large)
        if run >= (fitsOneBit ? 14 : 7) || run == symbols.count {
            symbols.removeFirst(run)
            return UInt16(first) << 13 | UInt16(run)
        }
        var chunk: UInt16 = fitsOneBit ? 0x8000 : 0xC000
        let count = min(fitsOneBit ? 14 : 7, symbols.count)
        for (place, symbol) in symbols.prefix(count).enumerated() {
            chunk |= UInt16(symbol) << UInt16(fitsOneBit ? 13 - place : 12 - 2 * place)
        }
        symbols.removeFirst(count)
        return chunk
    }
}
