import struct NIOCore.ByteBuffer

/// Finds the NAL units of a byte stream that comes in pieces (ITU-T H.264 annex B). Looks at each byte once.
struct NALUnitScanner: Sendable {
    struct Unit: Hashable, Sendable {
        var bytes: ByteBuffer
        /// Where its start code begins, counted from the beginning of the elementary stream.
        var offset: Int
    }

    private static let startCodeBytes = 3

    /// Begins at a start code once one was found.
    private var bytes = ByteBuffer()
    /// Of the first byte of `bytes`.
    private var offset = 0
    /// Bytes from there on in which no further start code begins.
    private var scanned = 0
    private var hasStart = false

    /// Of the next byte that will be appended.
    var endOffset: Int { offset + bytes.readableBytes }
    var pendingBytes: Int { bytes.readableBytes }

    mutating func append(_ more: ByteBuffer) { bytes.writeImmutableBuffer(more) }

    /// The next unit whose end is known.
    mutating func next() -> Unit? {
        while let code = nextStartCode() {
            let unit = hasStart ? unit(endingAt: code) : nil
            drop(code)
            hasStart = true
            scanned = Self.startCodeBytes
            if let unit { return unit }
        }
        return nil
    }

    /// The unit that has begun: nothing more comes of it.
    mutating func flush() -> Unit? {
        let unit = hasStart ? unit(endingAt: bytes.readableBytes) : nil
        lose()
        return unit
    }

    mutating func lose() {
        drop(bytes.readableBytes)
        scanned = 0
        hasStart = false
    }

    private func unit(endingAt end: Int) -> Unit? {
        var end = end
        // Trailing zero bytes belong to the byte stream, not to the unit (§B.1.1).
        while end > Self.startCodeBytes, bytes.getInteger(at: bytes.readerIndex + end - 1, as: UInt8.self) == 0 {
            end -= 1
        }
        guard end > Self.startCodeBytes,
            let unit = bytes.getSlice(at: bytes.readerIndex + Self.startCodeBytes, length: end - Self.startCodeBytes)
        else { return nil }
        return Unit(bytes: unit, offset: offset)
    }

    /// Where the next `00 00 01` begins, counted from the reader index.
    private mutating func nextStartCode() -> Int? {
        let from = scanned
        let (found, scanned) = bytes.withUnsafeReadableBytes { bytes -> (Int?, Int) in
            var index = from
            while index + 2 < bytes.count {
                let third = bytes[index + 2]
                if third > 1 {
                    index += 3
                } else if third == 1, bytes[index] == 0, bytes[index + 1] == 0 {
                    return (index, index)
                } else {
                    index += 1
                }
            }
            return (nil, index)
        }
        self.scanned = scanned
        return found
    }

    /// Units given out share the bytes before: what is left goes to fresh ones, so that appending copies nothing of them.
    private mutating func drop(_ count: Int) {
        bytes.moveReaderIndex(forwardBy: count)
        offset += count
        var rest = ByteBuffer()
        rest.writeImmutableBuffer(bytes)
        bytes = rest
    }
}
