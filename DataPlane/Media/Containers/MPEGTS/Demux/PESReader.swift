import struct NIOCore.ByteBuffer

/// Reads the PES packets of one PID as they come in, without waiting for their ends (ISO/IEC 13818-1 §2.4.3.6).
struct PESReader: Sendable {
    enum Piece: Hashable, Sendable {
        case begin(PESStamps?)
        case bytes(ByteBuffer)
        /// A packet that told its length is whole; `byteCount` is what it held.
        case end(byteCount: Int)
    }

    private enum State: Sendable {
        /// Waiting for a packet to begin.
        case idle
        case header(ByteBuffer)
        /// `remaining` is nil when the packet lasts until the next one.
        case body(remaining: Int?, total: Int)
    }

    private static let headBytes = 9
    private var state = State.idle

    /// Bytes are missing: nothing more of the packet at hand is of use.
    mutating func lose() { state = .idle }

    mutating func append(_ payload: ByteBuffer, startsUnit: Bool) -> [Piece] {
        if startsUnit { state = .header(ByteBuffer()) }
        switch state {
        case .idle: return []
        case .header(var bytes):
            bytes.writeImmutableBuffer(payload)
            return header(bytes)
        case .body(let remaining, let total): return body(payload, remaining: remaining, total: total)
        }
    }

    private mutating func header(_ bytes: ByteBuffer) -> [Piece] {
        let start = bytes.readerIndex
        guard bytes.readableBytes >= Self.headBytes, let optional = bytes.getInteger(at: start + 8, as: UInt8.self)
        else {
            state = .header(bytes)
            return []
        }
        guard let head = bytes.getInteger(at: start, as: UInt32.self), head >> 8 == 1,
            Self.hasOptionalHeader(UInt8(truncatingIfNeeded: head)),
            let length = bytes.getInteger(at: start + 4, as: UInt16.self),
            let flags = bytes.getInteger(at: start + 7, as: UInt8.self)
        else {
            state = .idle
            return []
        }
        let headerBytes = Self.headBytes + Int(optional)
        guard bytes.readableBytes >= headerBytes else {
            state = .header(bytes)
            return []
        }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: headerBytes)
        let total = Int(length) - (headerBytes - 6)
        let begin = Piece.begin(
            PESStamps(bytes, at: start + Self.headBytes, flags: flags, optionalBytes: Int(optional))
        )
        return [begin] + body(rest, remaining: length == 0 ? nil : max(0, total), total: max(0, total))
    }

    private mutating func body(_ payload: ByteBuffer, remaining: Int?, total: Int) -> [Piece] {
        guard let remaining else {
            state = .body(remaining: nil, total: total)
            return payload.readableBytes > 0 ? [.bytes(payload)] : []
        }
        let taken = payload.getSlice(at: payload.readerIndex, length: min(remaining, payload.readableBytes)) ?? payload
        let left = remaining - taken.readableBytes
        state = left > 0 ? .body(remaining: left, total: total) : .idle
        return (taken.readableBytes > 0 ? [.bytes(taken)] : []) + (left > 0 ? [] : [.end(byteCount: total)])
    }

    /// Maps, directories, padding and the like have no header and no media (table 2-21).
    private static func hasOptionalHeader(_ streamID: UInt8) -> Bool {
        ![0xBC, 0xBE, 0xBF, 0xF0, 0xF1, 0xF2, 0xF8, 0xFF].contains(streamID)
    }
}

/// What a PES header says of the first unit that begins in its packet.
struct PESStamps: Hashable, Sendable {
    var presentation: TSTimestamp
    var decode: TSTimestamp

    init(presentation: TSTimestamp, decode: TSTimestamp) {
        self.presentation = presentation
        self.decode = decode
    }

    /// Nil when the header carries no stamps, or ones whose marker bits are wrong.
    init?(_ bytes: ByteBuffer, at index: Int, flags: UInt8, optionalBytes: Int) {
        guard flags & 0x80 != 0, optionalBytes >= 5, let presentation = Self.stamp(bytes, at: index) else { return nil }
        self.presentation = presentation
        decode = presentation
        guard flags & 0x40 != 0, optionalBytes >= 10, let stamp = Self.stamp(bytes, at: index + 5) else { return }
        decode = stamp
    }

    private static func stamp(_ bytes: ByteBuffer, at index: Int) -> TSTimestamp? {
        guard let high = bytes.getInteger(at: index, as: UInt8.self),
            let middle = bytes.getInteger(at: index + 1, as: UInt16.self),
            let low = bytes.getInteger(at: index + 3, as: UInt16.self),
            high & 1 == 1, middle & 1 == 1, low & 1 == 1
        else { return nil }
        return TSTimestamp(Int64(high >> 1 & 7) << 30 | Int64(middle >> 1) << 15 | Int64(low >> 1))
    }
}

/// The stamps of PES packets, each waiting for the first unit that begins at or behind its packet's beginning.
struct PendingStamps: Sendable {
    private var stamps: [(offset: Int, stamps: PESStamps)] = []
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    mutating func add(_ stamps: PESStamps, at offset: Int) {
        if self.stamps.count == countMax { self.stamps.removeFirst() }
        self.stamps.append((offset, stamps))
    }

    /// Those of a unit that begins at `offset`; nil when an earlier unit of the same packet took them.
    mutating func take(upTo offset: Int) -> PESStamps? {
        let due = stamps.prefix { $0.offset <= offset }
        stamps.removeFirst(due.count)
        return due.last?.stamps
    }
}
