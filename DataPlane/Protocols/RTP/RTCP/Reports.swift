import Bytes
package import Timebase

import struct NIOCore.ByteBuffer

/// What one receiver saw of one source (RFC 3550 §6.4.1).
package struct ReportBlock: Hashable, Sendable {
    package var ssrc: SSRC
    /// Of 256, since the last report.
    package var fractionLost: UInt8
    /// Signed 24 bits; duplicates make it negative.
    package var cumulativeLost: Int32
    package var highestSequence: UInt32
    /// In timestamp units.
    package var jitter: UInt32
    /// The middle of the NTP time of the last sender report; 0 before the first.
    package var lastSenderReport: UInt32
    /// Since then, in 1/65536 s.
    package var delaySinceLastSenderReport: UInt32

    package init(
        ssrc: SSRC,
        fractionLost: UInt8,
        cumulativeLost: Int32,
        highestSequence: UInt32,
        jitter: UInt32,
        lastSenderReport: UInt32,
        delaySinceLastSenderReport: UInt32
    ) {
        self.ssrc = ssrc
        self.fractionLost = fractionLost
        self.cumulativeLost = min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)
        self.highestSequence = highestSequence
        self.jitter = jitter
        self.lastSenderReport = lastSenderReport
        self.delaySinceLastSenderReport = delaySinceLastSenderReport
    }

    init(from reader: inout ByteReader) throws {
        ssrc = SSRC(try reader.integer())
        let lost: UInt32 = try reader.integer()
        fractionLost = UInt8(lost >> 24)
        cumulativeLost = Int32(bitPattern: lost << 8) >> 8
        highestSequence = try reader.integer()
        jitter = try reader.integer()
        lastSenderReport = try reader.integer()
        delaySinceLastSenderReport = try reader.integer()
    }

    func encode(into bytes: inout ByteBuffer) {
        bytes.writeInteger(ssrc.value)
        bytes.writeInteger(UInt32(fractionLost) << 24 | UInt32(bitPattern: cumulativeLost) & 0xFF_FFFF)
        bytes.writeInteger(highestSequence)
        bytes.writeInteger(jitter)
        bytes.writeInteger(lastSenderReport)
        bytes.writeInteger(delaySinceLastSenderReport)
    }

    /// The count fits five bits.
    static let countMax = 31

    static func encode(_ blocks: [ReportBlock], into bytes: inout ByteBuffer) -> UInt8 {
        for block in blocks.prefix(countMax) { block.encode(into: &bytes) }
        return UInt8(min(blocks.count, countMax))
    }
}

/// SR (RFC 3550 §6.4.1): ties the sender's timestamps to its wall clock.
package struct SenderReport: Hashable, Sendable {
    package var ssrc: SSRC
    package var ntpTime: NTPTime
    package var rtpTimestamp: UInt32
    package var packetCount: UInt32
    package var octetCount: UInt32
    package var blocks: [ReportBlock]

    package init(
        ssrc: SSRC,
        ntpTime: NTPTime,
        rtpTimestamp: UInt32,
        packetCount: UInt32,
        octetCount: UInt32,
        blocks: [ReportBlock] = []
    ) {
        self.ssrc = ssrc
        self.ntpTime = ntpTime
        self.rtpTimestamp = rtpTimestamp
        self.packetCount = packetCount
        self.octetCount = octetCount
        self.blocks = blocks
    }

    init(from reader: inout ByteReader, count: UInt8) throws {
        ssrc = SSRC(try reader.integer())
        ntpTime = NTPTime(try reader.integer())
        rtpTimestamp = try reader.integer()
        packetCount = try reader.integer()
        octetCount = try reader.integer()
        blocks = try (0..<count).map { _ in try ReportBlock(from: &reader) }
    }

    func encode(into bytes: inout ByteBuffer) -> UInt8 {
        bytes.writeInteger(ssrc.value)
        bytes.writeInteger(ntpTime.value)
        bytes.writeInteger(rtpTimestamp)
        bytes.writeInteger(packetCount)
        bytes.writeInteger(octetCount)
        return ReportBlock.encode(blocks, into: &bytes)
    }
}

/// RR (RFC 3550 §6.4.2).
package struct ReceiverReport: Hashable, Sendable {
    package var ssrc: SSRC
    package var blocks: [ReportBlock]

    package init(ssrc: SSRC, blocks: [ReportBlock]) {
        self.ssrc = ssrc
        self.blocks = blocks
    }

    init(from reader: inout ByteReader, count: UInt8) throws {
        ssrc = SSRC(try reader.integer())
        blocks = try (0..<count).map { _ in try ReportBlock(from: &reader) }
    }

    func encode(into bytes: inout ByteBuffer) -> UInt8 {
        bytes.writeInteger(ssrc.value)
        return ReportBlock.encode(blocks, into: &bytes)
    }
}
