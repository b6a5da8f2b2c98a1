import CLibAV
package import Transcoding

/// Brings pictures of any size, bit depth, chroma format and range to one size and format, 8-bit 4:2:0 of limited range where
/// none is said.
package final class Scaler: VideoScaling {
    /// What a context is made for.
    private struct Source: Equatable {
        var width: Int32
        var height: Int32
        var format: AVPixelFormat
        var isFullRange: Bool

        init(_ frame: AVFrame) {
            (width, height) = (frame.width, frame.height)
            let form = Scaler.plain(AVPixelFormat(rawValue: frame.format))
            format = form.format
            isFullRange = form.isFullRange || frame.color_range == AVCOL_RANGE_JPEG
        }

        static func == (lhs: Self, rhs: Self) -> Bool {
            lhs.width == rhs.width && lhs.height == rhs.height && lhs.format.rawValue == rhs.format.rawValue
                && lhs.isFullRange == rhs.isFullRange
        }
    }

    private let size: PictureSize
    private let format: AVPixelFormat
    private var context: (source: Source, pointer: OpaquePointer)?
    /// The last picture made: its memory serves the next one if nobody holds it any more.
    private var spare: Frame?

    package convenience init(to size: PictureSize) { self.init(to: size, format: AV_PIX_FMT_YUV420P) }

    init(to size: PictureSize, format: AVPixelFormat) {
        self.size = size
        self.format = format
    }

    deinit { sws_freeContext(context?.pointer) }

    package func scale(_ picture: Picture) throws(CodecPortError) -> Picture {
        let frame = picture.frame.pointer
        let source = Source(frame.pointee)
        let target = Self.plain(format)
        if picture.size == size, source.format.rawValue == target.format.rawValue,
            source.isFullRange == target.isFullRange
        {
            return picture
        }
        let context = try self.context(for: source)
        let result = try emptyFrame()
        try LibraryCalls.check(sws_scale_frame(context, result.pointer, frame), "scaling a picture")
        result.pointer.pointee.pts = frame.pointee.pts
        spare = result
        return Picture(result)
    }

    /// Made anew when the source's size or format has changed.
    private func context(for source: Source) throws(CodecPortError) -> OpaquePointer {
        if let context, context.source == source { return context.pointer }
        sws_freeContext(context?.pointer)
        context = nil
        let made = try LibraryCalls.allocated(sws_alloc_context(), "preparing a scaler")
        let target = Self.plain(format)
        // The ranges must be known when it chooses its ways: copying is one of them.
        let options: [(String, Int)] = [
            ("srcw", Int(source.width)), ("srch", Int(source.height)), ("src_format", Int(source.format.rawValue)),
            ("src_range", source.isFullRange ? 1 : 0), ("dstw", size.width), ("dsth", size.height),
            ("dst_format", Int(target.format.rawValue)), ("dst_range", target.isFullRange ? 1 : 0),
            ("sws_flags", Int(SWS_BICUBIC)),
        ]
        for (name, value) in options { av_opt_set_int(UnsafeMutableRawPointer(made), name, Int64(value), 0) }
        guard sws_init_context(made, nil, nil) >= 0 else {
            sws_freeContext(made)
            throw .failed(
                operation: "preparing a scaler",
                reason: "unsupported picture \(source.width) × \(source.height)"
            )
        }
        context = (source, made)
        return made
    }

    /// A format without the range that libav's older names of formats say.
    private static func plain(_ format: AVPixelFormat) -> (format: AVPixelFormat, isFullRange: Bool) {
        switch format {
        case AV_PIX_FMT_YUVJ420P: (AV_PIX_FMT_YUV420P, true)
        case AV_PIX_FMT_YUVJ422P: (AV_PIX_FMT_YUV422P, true)
        case AV_PIX_FMT_YUVJ440P: (AV_PIX_FMT_YUV440P, true)
        case AV_PIX_FMT_YUVJ444P: (AV_PIX_FMT_YUV444P, true)
        default: (format, false)
        }
    }

    private func emptyFrame() throws(CodecPortError) -> Frame {
        if isKnownUniquelyReferenced(&spare), let spare, av_frame_is_writable(spare.pointer) == 1 { return spare }
        let frame = try Frame()
        frame.pointer.pointee.format = format.rawValue
        frame.pointer.pointee.width = Int32(clamping: size.width)
        frame.pointer.pointee.height = Int32(clamping: size.height)
        try LibraryCalls.check(av_frame_get_buffer(frame.pointer, 0), "making room for a picture")
        return frame
    }
}
