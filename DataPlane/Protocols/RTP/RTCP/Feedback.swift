import Bytes
import Timebase

import struct NIOCore.ByteBuffer

/// Generic NACK (RFC 4585 §6.2.1): packets that did not arrive.
package struct GenericNack: Hashable, Sendable {
    package var sender: SSRC
    package var media: SSRC
    /// In the order of the counter.
    package var sequences: [UInt16]

    package init(sender: SSRC, media: SSRC, sequences: [UInt16]) {
        self.sender = sender
        self.media = media
        self.sequences = sequences
    }

    init(from reader: inout ByteReader) throws {
        sender = SSRC(try reader.integer())
        media = SSRC(try reader.integer())
        sequences = []
        while !reader.isEmpty {
            let first: UInt16 = try reader.integer()
            let following: UInt16 = try reader.integer()
            sequences.append(first)
            for bit in 0..<16 as Range<UInt16> where following >> bit & 1 == 1 { sequences.append(first &+ bit &+ 1) }
        }
    }

    /// A packet id and a mask of the sixteen after it (BLP).
    func encode(into bytes: inout ByteBuffer) {
        bytes.writeInteger(sender.value)
        bytes.writeInteger(media.value)
        var rest = sequences[...]
        while let first = rest.popFirst() {
            var following: UInt16 = 0
            var last: UInt16 = 0
            // A mask keeps no order but the counter's.
            while let distance = rest.first.map({ $0 &- first }), distance > last, distance <= 16 {
                following |= 1 << (distance - 1)
                last = distance
                rest.removeFirst()
            }
            bytes.writeInteger(first)
            bytes.writeInteger(following)
        }
    }
}

/// PLI (RFC 4585 §6.3.1): a keyframe, please.
package struct PictureLossIndication: Hashable, Sendable {
    package var sender: SSRC
    package var media: SSRC

    package init(sender: SSRC, media: SSRC) {
        self.sender = sender
        self.media = media
    }

    init(from reader: inout ByteReader) throws {
        sender = SSRC(try reader.integer())
        media = SSRC(try reader.integer())
    }

    func encode(into bytes: inout ByteBuffer) {
        bytes.writeInteger(sender.value)
        bytes.writeInteger(media.value)
    }
}

/// FIR (RFC 5104 §4.3.1): a keyframe for each entry whose number is new.
package struct FullIntraRequest: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var ssrc: SSRC
        package var number: UInt8

        package init(ssrc: SSRC, number: UInt8) {
            self.ssrc = ssrc
            self.number = number
        }
    }

    package var sender: SSRC
    package var entries: [Entry]

    package init(sender: SSRC, entries: [Entry]) {
        self.sender = sender
        self.entries = entries
    }

    init(from reader: inout ByteReader) throws {
        sender = SSRC(try reader.integer())
        try reader.skip(4)
        entries = []
        while !reader.isEmpty {
            entries.append(Entry(ssrc: SSRC(try reader.integer()), number: try reader.integer()))
            try reader.skip(3)
        }
    }

    func encode(into bytes: inout ByteBuffer) {
        bytes.writeInteger(sender.value)
        // The media source is unused and zero.
        bytes.writeInteger(UInt32(0))
        for entry in entries {
            bytes.writeInteger(entry.ssrc.value)
            bytes.writeInteger(entry.number)
            bytes.writeUInt24(0)
        }
    }
}

/// REMB (draft-alvestrand-rmcat-remb-03 §2): the most the receiver thinks its path carries, for all named sources together.
package struct ReceiverEstimatedMaximumBitrate: Hashable, Sendable {
    package var sender: SSRC
    package var bitsPerSecond: UInt64
    package var sources: [SSRC]

    package init(sender: SSRC, bitsPerSecond: UInt64, sources: [SSRC]) {
        self.sender = sender
        self.bitsPerSecond = bitsPerSecond
        self.sources = sources
    }

    private static let identifier: FourCC = "REMB"

    /// Nil for another application's feedback.
    init?(from reader: inout ByteReader) throws {
        sender = SSRC(try reader.integer())
        try reader.skip(4)
        guard reader.count >= 8, FourCC(try reader.integer()) == Self.identifier else { return nil }
        let count: UInt8 = try reader.integer()
        let rate = try reader.uint24()
        let exponent = rate >> 18
        guard exponent <= 46 else { throw RTPError.malformed(.rtcp, "a REMB beyond 64 bits") }
        bitsPerSecond = UInt64(rate & 0x3_FFFF) << UInt64(exponent)
        sources = try (0..<count).map { _ in SSRC(try reader.integer()) }
    }

    /// The rate is rounded down to 18 significant bits.
    func encode(into bytes: inout ByteBuffer) {
        bytes.writeInteger(sender.value)
        bytes.writeInteger(UInt32(0))
        bytes.writeFourCC(Self.identifier)
        bytes.writeInteger(UInt8(min(sources.count, 255)))
        let exponent = max(0, 64 - bitsPerSecond.leadingZeroBitCount - 18)
        bytes.writeUInt24(UInt32(exponent) << 18 | UInt32(bitsPerSecond >> UInt64(exponent)))
        for source in sources.prefix(255) { bytes.writeInteger(source.value) }
    }
}
