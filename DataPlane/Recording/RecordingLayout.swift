import Bytes
package import FMP4

package import struct NIOCore.ByteBuffer

/// How a recording's file is laid out while it grows, and what makes a plain MP4 of it.
///
///     growing:  ftyp  free(16)       moov(mvex)  moof mdat  moof mdat  …
///     final:    ftyp  mdat(64 bit): all that was there before               moov
///
/// So nothing is copied: the tables of all samples are appended, and then sixteen bytes change what a reader sees. Before
/// that it is a fragmented file whatever happens, and after it a plain one.
package enum RecordingLayout {
    package static let placeholderBytes = 16

    package static func header(_ tracks: [MP4Track]) -> ByteBuffer {
        var rest = InitializationSegment.encode(tracks)
        let typeBytes = rest.getInteger(at: rest.readerIndex, as: UInt32.self).map(Int.init) ?? 0
        var header = rest.readSlice(length: typeBytes) ?? ByteBuffer()
        header.writeBox("free") { $0.writeRepeatingByte(0, count: placeholderBytes - 8) }
        header.writeBuffer(&rest)
        return header
    }

    /// What replaces the placeholder: the head of a box that reaches up to `end`.
    package static func mediaHead(from placeholder: UInt64, to end: UInt64) -> ByteBuffer {
        var head = ByteBuffer()
        // Size 1: the size follows the type, in 64 bits (§4.2).
        head.writeInteger(UInt32(1))
        head.writeFourCC("mdat")
        head.writeInteger(end - placeholder)
        return head
    }
}
