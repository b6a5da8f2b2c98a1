import Bytes

package import struct NIOCore.ByteBuffer

/// Cuts a byte stream into frames. A frame that arrived in one piece is not copied, another at most once.
package struct RelayFrameReader: Sendable {
    private var pending = ByteBuffer()

    package init() {}

    /// Memory held for a frame that is not whole yet.
    package var heldBytes: Int { pending.storageCapacity }

    /// No bytes wait for the rest of their frame.
    var isEmpty: Bool { pending.readableBytes == 0 }

    package mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            // Else a peer that always leaves a frame begun makes the buffer grow for ever.
            pending.discardReadBytes()
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole frame, or nil until more bytes come.
    package mutating func next(bytesMax: Int, limits: RelayLimits) throws(RelayError) -> RelayFrame? {
        guard let type = pending.getInteger(at: pending.readerIndex, as: UInt8.self),
            let length = pending.getInteger(at: pending.readerIndex + 1, as: UInt32.self)
        else { return nil }
        guard length <= UInt32(bytesMax) else { throw .frameTooLong(bytes: Int(length), limit: bytesMax) }
        let whole = RelayFrame.headerLength + Int(length)
        guard pending.readableBytes >= whole else {
            // One growth for the whole frame, bounded by the limit above.
            pending.reserveCapacity(minimumWritableBytes: whole - pending.readableBytes)
            return nil
        }
        pending.moveReaderIndex(forwardBy: RelayFrame.headerLength)
        guard let payload = pending.readSlice(length: Int(length)) else { return nil }
        if pending.readableBytes == 0 { pending = ByteBuffer() }
        return try RelayFrame(type: type, payload: payload, limits: limits)
    }
}
