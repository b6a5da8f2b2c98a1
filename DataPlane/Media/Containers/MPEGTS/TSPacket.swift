package import struct NIOCore.ByteBuffer

/// A packet identifier: what joins the packets of one elementary stream or table (ISO/IEC 13818-1 §2.4.3.3).
package struct PID: Hashable, Sendable, CustomStringConvertible {
    package static let programAssociation = PID(0)
    package static let null = PID(0x1FFF)

    package let value: UInt16

    /// The low 13 bits of `value`.
    package init(_ value: UInt16) { self.value = value & 0x1FFF }

    package var description: String { "PID \(value)" }
}

/// One transport stream packet, read (ISO/IEC 13818-1 §2.4.3.2).
package struct TSPacket: Hashable, Sendable {
    package static let byteCount = 188
    package static let syncByte: UInt8 = 0x47

    package let pid: PID
    /// A PES packet or a section begins in this packet.
    package let startsUnit: Bool
    /// The demodulator in front of us gave up on this packet, or only its receiver can read it.
    package let isUnusable: Bool
    /// Counts the packets of the PID that carry payload, modulo 16.
    package let continuityCounter: UInt8
    /// The counter, and on the clock's PID the clock, begin anew here.
    package let isDiscontinuous: Bool
    package let isRandomAccess: Bool
    /// Ticks of 27 MHz.
    package let programClock: Int64?
    /// Nil when the packet has none, which also leaves the counter where it was.
    package let payload: ByteBuffer?

    /// Nil when `bytes` are not a packet: no sync byte, or an adaptation field longer than the packet.
    package init?(parsing bytes: ByteBuffer) {
        guard bytes.readableBytes == Self.byteCount,
            let header = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self),
            header >> 24 == UInt32(Self.syncByte)
        else { return nil }
        pid = PID(UInt16(truncatingIfNeeded: header >> 8))
        startsUnit = header & 0x40_0000 != 0
        isUnusable = header & 0x80_0000 != 0 || header & 0xC0 != 0
        continuityCounter = UInt8(header & 0xF)
        var rest = bytes
        rest.moveReaderIndex(forwardBy: 4)
        guard header & 0x20 != 0 else {
            (isDiscontinuous, isRandomAccess, programClock) = (false, false, nil)
            payload = header & 0x10 != 0 ? rest.slice() : nil
            return
        }
        guard let length = rest.readInteger(as: UInt8.self), var field = rest.readSlice(length: Int(length)) else {
            return nil
        }
        let flags = field.readInteger(as: UInt8.self) ?? 0
        isDiscontinuous = flags & 0x80 != 0
        isRandomAccess = flags & 0x40 != 0
        programClock = flags & 0x10 != 0 ? Self.programClock(&field) : nil
        payload = header & 0x10 != 0 && rest.readableBytes > 0 ? rest.slice() : nil
    }

    /// 33 bits of 90 kHz, six reserved ones, nine bits that count to 300 (§2.4.3.5).
    private static func programClock(_ field: inout ByteBuffer) -> Int64? {
        guard let high = field.readInteger(as: UInt32.self), let low = field.readInteger(as: UInt16.self) else {
            return nil
        }
        let base = Int64(high) << 1 | Int64(low >> 15)
        return base * 300 + Int64(low & 0x1FF)
    }
}
