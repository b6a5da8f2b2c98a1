import Bytes

import struct NIOCore.ByteBuffer

/// The decoder's memory of one chunk stream: the header that later chunks refer to, and the message being collected.
struct ChunkStream {
    let id: ChunkStreamID
    private(set) var type: UInt8 = 0
    private(set) var length = 0
    private var messageStreamID = MessageStreamID.connection
    private var timestamp: UInt32 = 0
    /// What a type-3 chunk that begins a message adds. After a type-0 header that is its timestamp (§5.3.1.2.4).
    private var delta: UInt32 = 0
    private var hasExtendedTimestamp = false
    private var payload = ByteBuffer()
    var isBetweenMessages = true

    /// A message reserves its whole length at once up to here; beyond, it grows with what really arrives.
    private static let reservedBytesMax = 1 << 20

    init(id: ChunkStreamID) { self.id = id }

    var bytesMissing: Int { length - payload.readableBytes }

    /// Reads the 32-bit timestamp behind a header. The outer nil: not all there yet; the inner nil: there is none.
    ///
    /// Type-3 chunks repeat it, but some clients leave it out: then the four bytes do not equal what would be repeated and
    /// are payload.
    func extendedTimestamp(for header: ChunkHeader.Message, in reader: inout ByteReader) -> UInt32?? {
        switch header {
        case .full(let field, _, _, _), .sameStream(let field, _, _), .sameLength(let field):
            guard field == ChunkHeader.extendedTimestampMark else { return .some(nil) }
            guard let value = try? reader.integer(as: UInt32.self) else { return nil }
            return value
        case .same:
            guard hasExtendedTimestamp else { return .some(nil) }
            for expected in [delta, timestamp] {
                switch reader.matches(expected) {
                case .whole:
                    try? reader.skip(4)
                    return expected
                case .prefix: return nil
                case .no: continue
                }
            }
            return .some(nil)
        }
    }

    /// Takes over a header that begins a message.
    mutating func apply(_ header: ChunkHeader.Message, extended: UInt32?) {
        switch header {
        case .full(let field, let length, let type, let streamID):
            (self.length, self.type, messageStreamID) = (length, type, streamID)
            timestamp = extended ?? field
            delta = timestamp
            hasExtendedTimestamp = extended != nil
        case .sameStream(let field, let length, let type):
            (self.length, self.type) = (length, type)
            advance(by: extended ?? field)
            hasExtendedTimestamp = extended != nil
        case .sameLength(let field):
            advance(by: extended ?? field)
            hasExtendedTimestamp = extended != nil
        case .same: advance(by: delta)
        }
    }

    private mutating func advance(by delta: UInt32) {
        self.delta = delta
        timestamp &+= delta
    }

    /// Adds bytes to the message. A slice that is the whole message is kept without copying, unless it would keep a read
    /// buffer alive that is many times its size.
    mutating func append(_ slice: ByteBuffer, of storageCapacity: Int) {
        if payload.readableBytes == 0 {
            if slice.readableBytes == length, slice.readableBytes >= storageCapacity / 4 {
                payload = slice
                return
            }
            payload = ByteBuffer()
            payload.reserveCapacity(min(length, Self.reservedBytesMax))
        }
        payload.writeImmutableBuffer(slice)
    }

    mutating func takeMessage() -> RawMessage {
        let message = RawMessage(type: type, streamID: messageStreamID, timestamp: timestamp, payload: payload)
        abandonMessage()
        return message
    }

    mutating func abandonMessage() {
        payload = ByteBuffer()
        isBetweenMessages = true
    }
}

extension ByteReader {
    fileprivate enum Match {
        case whole
        /// All bytes there are agree, but there are fewer than four.
        case prefix
        case no
    }

    /// Compares the next four bytes with a number without taking them.
    fileprivate func matches(_ expected: UInt32) -> Match {
        var copy = self
        for shift in [24, 16, 8, 0] as [UInt32] {
            guard let byte = try? copy.integer(as: UInt8.self) else { return .prefix }
            guard byte == UInt8(truncatingIfNeeded: expected >> shift) else { return .no }
        }
        return .whole
    }
}
