import CLibAV
package import Transcoding

/// Brings pictures of any size, bit depth and chroma format to one size in 8-bit 4:2:0.
package final class Scaler: VideoScaling {
    private static let format = AV_PIX_FMT_YUV420P

    private let size: PictureSize
    private var context: OpaquePointer?
    /// The last picture made: its memory serves the next one if nobody holds it any more.
    private var spare: Frame?

    package init(to size: PictureSize) { self.size = size }

    deinit { sws_freeContext(context) }

    package func scale(_ picture: Picture) throws(CodecPortError) -> Picture {
        let source = picture.frame.pointer
        if picture.size == size, source.pointee.format == Self.format.rawValue { return picture }
        try prepare(for: source.pointee)
        let target = try emptyFrame()
        try LibraryCalls.check(sws_scale_frame(context, target.pointer, source), "scaling a picture")
        target.pointer.pointee.pts = source.pointee.pts
        spare = target
        return Picture(target)
    }

    /// Makes the context anew when the source's size or format has changed.
    private func prepare(for source: AVFrame) throws(CodecPortError) {
        let made = sws_getCachedContext(
            context,
            source.width,
            source.height,
            AVPixelFormat(rawValue: source.format),
            Int32(clamping: size.width),
            Int32(clamping: size.height),
            Self.format,
            SWS_BICUBIC,
            nil,
            nil,
            nil
        )
        context = made
        guard made != nil else {
            throw .failed(
                operation: "preparing a scaler",
                reason: "unsupported picture \(source.width) × \(source.height)"
            )
        }
    }

    private func emptyFrame() throws(CodecPortError) -> Frame {
        if isKnownUniquelyReferenced(&spare), let spare, av_frame_is_writable(spare.pointer) == 1 { return spare }
        let frame = try Frame()
        frame.pointer.pointee.format = Self.format.rawValue
        frame.pointer.pointee.width = Int32(clamping: size.width)
        frame.pointer.pointee.height = Int32(clamping: size.height)
        try LibraryCalls.check(av_frame_get_buffer(frame.pointer, 0), "making room for a picture")
        return frame
    }
}
