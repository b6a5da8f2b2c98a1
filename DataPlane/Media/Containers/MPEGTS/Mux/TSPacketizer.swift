import struct NIOCore.ByteBuffer

/// Cuts PES packets and sections into transport stream packets and counts them (ISO/IEC 13818-1 §2.4.3.2).
struct TSPacketizer: Sendable {
    private static let payloadBytesMax = TSPacket.byteCount - 4
    private static let clockBytes = 6

    /// The next counter of each PID; none before its first packet.
    private var counters: [PID: UInt8] = [:]

    mutating func write(
        _ pes: ByteBuffer,
        pid: PID,
        clock: TSTimestamp?,
        isRandomAccess: Bool,
        into bytes: inout ByteBuffer
    ) {
        var rest = pes
        var first: (clock: TSTimestamp?, isRandomAccess: Bool)? = (clock, isRandomAccess)
        repeat {
            let head = Adaptation(
                isDiscontinuous: counters[pid] == nil,
                isRandomAccess: first?.isRandomAccess ?? false,
                clock: first?.clock
            )
            writePacket(&rest, pid: pid, startsUnit: first != nil, head, into: &bytes)
            first = nil
        } while rest.readableBytes > 0
    }

    /// A section in packets of its own, filled up with stuffing bytes (§2.4.4.1).
    mutating func write(_ section: PSISection, pid: PID, into bytes: inout ByteBuffer) {
        var rest = ByteBuffer()
        rest.writeInteger(UInt8(0))
        rest.writeImmutableBuffer(section.encoded())
        var startsUnit = true
        repeat {
            let head = Adaptation(isDiscontinuous: counters[pid] == nil)
            let room = Self.payloadBytesMax - head.byteCount
            rest.writeRepeatingByte(0xFF, count: max(0, room - rest.readableBytes))
            writePacket(&rest, pid: pid, startsUnit: startsUnit, head, into: &bytes)
            startsUnit = false
        } while rest.readableBytes > 0
    }

    /// A packet that carries the clock alone; it does not count (§2.4.3.3).
    mutating func writeClock(_ clock: TSTimestamp, pid: PID, into bytes: inout ByteBuffer) {
        let last = ((counters[pid] ?? 0) &- 1) & 0xF
        bytes.writeInteger(TSPacket.syncByte)
        bytes.writeInteger(pid.value)
        bytes.writeInteger(0x20 | last)
        Adaptation(clock: clock).write(byteCount: Self.payloadBytesMax, into: &bytes)
    }

    private mutating func writePacket(
        _ rest: inout ByteBuffer,
        pid: PID,
        startsUnit: Bool,
        _ head: Adaptation,
        into bytes: inout ByteBuffer
    ) {
        let counter = counters[pid] ?? 0
        counters[pid] = (counter + 1) & 0xF
        let count = min(rest.readableBytes, Self.payloadBytesMax - head.byteCount)
        let adaptationBytes = Self.payloadBytesMax - count
        bytes.writeInteger(TSPacket.syncByte)
        bytes.writeInteger((startsUnit ? 0x4000 : 0) | pid.value)
        bytes.writeInteger((adaptationBytes > 0 ? 0x30 : 0x10) | counter)
        head.write(byteCount: adaptationBytes, into: &bytes)
        if let payload = rest.readSlice(length: count) { bytes.writeImmutableBuffer(payload) }
    }

    /// The adaptation field (§2.4.3.4), also what fills a packet up.
    private struct Adaptation {
        var isDiscontinuous = false
        var isRandomAccess = false
        var clock: TSTimestamp?

        /// The least it takes.
        var byteCount: Int {
            guard isDiscontinuous || isRandomAccess || clock != nil else { return 0 }
            return 2 + (clock == nil ? 0 : TSPacketizer.clockBytes)
        }

        func write(byteCount: Int, into bytes: inout ByteBuffer) {
            guard byteCount > 0 else { return }
            bytes.writeInteger(UInt8(byteCount - 1))
            guard byteCount > 1 else { return }
            let flags: UInt8 = (isDiscontinuous ? 0x80 : 0) | (isRandomAccess ? 0x40 : 0) | (clock == nil ? 0 : 0x10)
            bytes.writeInteger(flags)
            if let clock {
                bytes.writeInteger(UInt32(truncatingIfNeeded: clock.value >> 1))
                bytes.writeInteger(UInt16(truncatingIfNeeded: clock.value & 1) << 15 | 0x7E00)
            }
            bytes.writeRepeatingByte(0xFF, count: byteCount - 2 - (clock == nil ? 0 : TSPacketizer.clockBytes))
        }
    }
}
