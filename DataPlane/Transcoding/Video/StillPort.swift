package import MediaModel

package import struct NIOCore.ByteBuffer

/// Makes still pictures of streams. Waits for the library: on a thread of its own.
package protocol StillCodecs: Sendable {
    /// `keyframe` as a JPEG file of at most `linesMax` lines.
    func jpeg(
        of keyframe: AccessUnit,
        codec: CodecParameters,
        linesMax: Int
    ) throws(CodecPortError) -> ByteBuffer
}

extension PictureSize {
    /// In its own shape, with at most `linesMax` lines, both even.
    package func limited(toLines linesMax: Int) -> PictureSize {
        guard height > linesMax, height > 0 else {
            return PictureSize(width: max(2, width & ~1), height: max(2, height & ~1))
        }
        let lines = max(2, linesMax & ~1)
        return PictureSize(width: max(2, width * lines / height & ~1), height: lines)
    }
}
