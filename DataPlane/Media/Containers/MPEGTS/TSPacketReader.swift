package import struct NIOCore.ByteBuffer

/// Cuts a byte stream into packets of 188 bytes, and finds the next packet when bytes are missing.
///
/// In step, a packet is taken as soon as it is whole. Out of step, three sync bytes at a packet's distance are needed: 0x47 is
/// also a letter.
package struct TSPacketReader: Sendable {
    /// Bytes passed over since the last packet.
    package private(set) var skippedInARow = 0
    /// Times the reader fell out of step.
    package private(set) var resyncCount = 0
    private var bytes = ByteBuffer()
    private var isInStep = true

    package init() {}

    package mutating func append(_ more: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            // Packets given out share the old bytes: what is left of these goes to fresh ones.
            var joined = ByteBuffer()
            joined.reserveCapacity(bytes.readableBytes + more.readableBytes)
            joined.writeImmutableBuffer(bytes)
            joined.writeImmutableBuffer(more)
            bytes = joined
        }
    }

    /// The next packet's bytes; nil when more must come first.
    package mutating func next() -> ByteBuffer? {
        guard bytes.readableBytes >= TSPacket.byteCount else { return nil }
        if isInStep, byte(0) != TSPacket.syncByte {
            isInStep = false
            resyncCount += 1
        }
        guard isInStep || findStep() else { return nil }
        skippedInARow = 0
        return bytes.readSlice(length: TSPacket.byteCount)
    }

    /// Moves to the first place where packets seem to begin; false when more bytes are needed to tell.
    private mutating func findStep() -> Bool {
        let size = TSPacket.byteCount
        while bytes.readableBytes > 2 * size {
            if byte(0) == TSPacket.syncByte, byte(size) == TSPacket.syncByte, byte(2 * size) == TSPacket.syncByte {
                isInStep = true
                return true
            }
            bytes.moveReaderIndex(forwardBy: 1)
            skippedInARow += 1
        }
        return false
    }

    private func byte(_ offset: Int) -> UInt8? { bytes.getInteger(at: bytes.readerIndex + offset) }
}
