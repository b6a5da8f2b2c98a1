package import Timebase

package import struct NIOCore.ByteBuffer

/// What `bench publish` puts into each video frame, so that a player can tell how late and how complete the stream is.
///
/// It travels as an H.264 SEI NAL unit, user_data_unregistered (ITU-T H.264 §D.1.7), which every server carries and every
/// decoder skips:
///
///     06 | 05 | size | UUID, 16 bytes | nanoseconds, 9 | sequence, 5 | body bytes, 7 | 80
///
/// Numbers are groups of seven bits, each with the high bit set: no byte is zero, so none needs emulation prevention.
package struct SendStamp: Hashable, Sendable {
    /// When the publisher sent the frame, on CLOCK_MONOTONIC of its machine.
    package var sentAt: MonotonicInstant
    /// Number of the video frame, from 0.
    package var sequence: Int64
    /// Bytes of audio and video bodies the publisher has sent before this frame.
    package var bodyBytesBefore: Int64

    package init(sentAt: MonotonicInstant, sequence: Int64, bodyBytesBefore: Int64) {
        self.sentAt = sentAt
        self.sequence = sequence
        self.bodyBytesBefore = bodyBytesBefore
    }

    static let uuid: InlineArray<16, UInt8> = [
        0x9C, 0x4F, 0xD1, 0xA6, 0x5B, 0x7E, 0x4C, 0x13, 0x8A, 0xE2, 0x6D, 0xF0, 0x31, 0xB8, 0xC7, 0x95,
    ]
    private static let groupCounts = (time: 9, sequence: 5, bytes: 7)
    private static let contentBytes = 16 + 9 + 5 + 7
    /// With the 4-byte length in front.
    package static let encodedBytes = 4 + 3 + contentBytes + 1

    /// The NAL unit behind a 4-byte length.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(Self.encodedBytes - 4))
        buffer.writeBytes([0x06, 0x05, UInt8(Self.contentBytes)])
        for index in Self.uuid.indices { buffer.writeInteger(Self.uuid[index]) }
        Self.write(sentAt.nanoseconds, groups: Self.groupCounts.time, into: &buffer)
        Self.write(sequence, groups: Self.groupCounts.sequence, into: &buffer)
        Self.write(bodyBytesBefore, groups: Self.groupCounts.bytes, into: &buffer)
        buffer.writeInteger(UInt8(0x80))
    }

    /// Where a stamp may stand in length-prefixed NAL units: first, but behind an access unit delimiter.
    package static func offset(firstNALUnitType: UInt8, length: Int) -> Int {
        let accessUnitDelimiter: UInt8 = 9
        return firstNALUnitType & 0x1F == accessUnitDelimiter ? 4 + length : 0
    }

    /// The stamp of a legacy H.264 video body, nil when it has none.
    package init?(videoBody body: MessageHead) {
        let nalUnits = 5
        guard let length = body.integer(at: nalUnits), length < 64, let type = body.byte(at: nalUnits + 4) else {
            return nil
        }
        let start = nalUnits + Self.offset(firstNALUnitType: type, length: Int(length)) + 4
        guard body.byte(at: start) == 0x06, body.byte(at: start + 1) == 0x05 else { return nil }
        self.init(uuidAt: start + 3) { body.byte(at: $0) }
    }

    /// The last stamp anywhere in a piece of a file, such as the `mdat` of an HLS part.
    package init?(lastIn bytes: borrowing Span<UInt8>) {
        var start = bytes.count - Self.contentBytes
        while start >= 0 {
            if bytes[start] == Self.uuid[0], let stamp = Self(in: bytes, at: start) {
                self = stamp
                return
            }
            start -= 1
        }
        return nil
    }

    private init?(in bytes: borrowing Span<UInt8>, at start: Int) {
        guard bytes[start + 1] == Self.uuid[1] else { return nil }
        var content = InlineArray<37, UInt8>(repeating: 0)
        for offset in content.indices { content[offset] = bytes[start + offset] }
        self.init(uuidAt: 0) { $0 < content.count ? content[$0] : nil }
    }

    private init?(uuidAt start: Int, _ byte: (Int) -> UInt8?) {
        for index in Self.uuid.indices {
            guard byte(start + index) == Self.uuid[index] else { return nil }
        }
        var position = start + Self.uuid.count
        func number(_ groups: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<groups {
                guard let group = byte(position), group & 0x80 != 0 else { return nil }
                value = value << 7 | Int64(group & 0x7F)
                position += 1
            }
            return value
        }
        guard let time = number(Self.groupCounts.time), let sequence = number(Self.groupCounts.sequence),
            let bytes = number(Self.groupCounts.bytes)
        else { return nil }
        self.init(sentAt: MonotonicInstant(nanoseconds: time), sequence: sequence, bodyBytesBefore: bytes)
    }

    private static func write(_ value: Int64, groups: Int, into buffer: inout ByteBuffer) {
        for group in (0..<groups).reversed() {
            buffer.writeInteger(0x80 | UInt8(truncatingIfNeeded: value >> Int64(group * 7)) & 0x7F)
        }
    }
}
