package import struct NIOCore.ByteBuffer

/// Datagrams on a byte stream, each behind its length in two octets (RFC 4571 §2), as ICE uses TCP (RFC 6544 §3).
package struct FramedDatagramReader {
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case datagramTooLong(bytes: Int, limit: Int)

        package var description: String {
            switch self {
            case .datagramTooLong(let bytes, let limit):
                "a frame announces \(bytes) bytes, the limit is \(limit); the peer does not speak RFC 4571 framing"
            }
        }
    }

    private var unread = ByteBuffer()
    private let datagramBytesMax: Int

    package init(limits: ICELimits = ICELimits()) { datagramBytesMax = limits.framedDatagramBytesMax }

    /// Bytes that wait for the rest of their datagram; below the limit and two once `next` returned nil.
    package var unreadBytes: Int { unread.readableBytes }

    package mutating func append(_ bytes: ByteBuffer) {
        if unread.readableBytes == 0 {
            unread = bytes
        } else {
            unread.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole datagram; nil until more bytes come. After an error the stream cannot be read on.
    package mutating func next() throws(Failure) -> ByteBuffer? {
        guard let length = unread.getInteger(at: unread.readerIndex, as: UInt16.self).map(Int.init) else { return nil }
        guard length <= datagramBytesMax else { throw .datagramTooLong(bytes: length, limit: datagramBytesMax) }
        guard unread.readableBytes >= 2 + length else { return nil }
        unread.moveReaderIndex(forwardBy: 2)
        let datagram = unread.readSlice(length: length)
        if unread.readableBytes == 0 { unread = ByteBuffer() }
        return datagram
    }
}

extension ByteBuffer {
    /// Appends `datagram` behind its length. False, and nothing written, when it is longer than two octets can say.
    package mutating func writeFramedDatagram(_ datagram: ByteBuffer) -> Bool {
        guard let length = UInt16(exactly: datagram.readableBytes) else { return false }
        writeInteger(length)
        writeImmutableBuffer(datagram)
        return true
    }
}
