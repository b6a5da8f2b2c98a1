import Bytes

package import struct NIOCore.ByteBuffer

/// One whole tag of an FLV byte stream.
package struct FLVTag: Hashable, Sendable {
    package var header: FLVTagHeader
    package var body: ByteBuffer
}

/// Cuts an FLV byte stream (a file, an HTTP-FLV answer) into tags as its bytes arrive.
package struct FLVTagReader: Sendable {
    package struct Limits: Sendable {
        /// As for an RTMP message: a keyframe of 4K at high quality stays well below.
        package var tagBytesMax = 16 << 20

        package init() {}
    }

    /// Set once the first 13 bytes have been read.
    package private(set) var fileHeader: FLVFileHeader?
    private var pending = ByteBuffer()
    private let limits: Limits

    package init(limits: Limits = Limits()) { self.limits = limits }

    package mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            pending.discardReadBytes()
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole tag, or nil until more bytes come.
    package mutating func next() throws(FLVError) -> FLVTag? {
        var reader = ByteReader(pending)
        if fileHeader == nil {
            guard pending.readableBytes >= FLVFileHeader.length else { return nil }
            fileHeader = try FLVFileHeader(decoding: &reader)
            pending.moveReaderIndex(forwardBy: FLVFileHeader.length)
        }
        guard pending.readableBytes >= FLVTagHeader.length else { return nil }
        let header = try FLVTagHeader(decoding: &reader)
        guard header.bodyLength <= limits.tagBytesMax else {
            throw .tagTooLong(bytes: header.bodyLength, limit: limits.tagBytesMax)
        }
        let previousTagSizeLength = 4
        let whole = FLVTagHeader.length + header.bodyLength + previousTagSizeLength
        guard pending.readableBytes >= whole,
            let body = pending.getSlice(at: pending.readerIndex + FLVTagHeader.length, length: header.bodyLength)
        else { return nil }
        pending.moveReaderIndex(forwardBy: whole)
        return FLVTag(header: header, body: body)
    }
}
