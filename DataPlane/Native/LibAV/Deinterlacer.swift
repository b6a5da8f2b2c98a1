import CLibAV
import Transcoding

/// Makes whole pictures of interlaced ones, one for one, so that times and keyframes stay: encoders and scalers would smear
/// the two fields, taken at different times, into each other.
///
/// The lines of the first field stay. Those of the second stay where nothing moved since the last picture, and are made of
/// their neighbours elsewhere.
final class Deinterlacer {
    private static let copying = "deinterlacing a picture"
    private var last: Frame?

    /// The frame itself if it is not interlaced, or of a form that has no 8-bit planes.
    func progressive(_ frame: Frame) throws(CodecPortError) -> Frame {
        let source = frame.pointer.pointee
        guard source.interlaced_frame != 0, let planes = Planes(source) else {
            last = nil
            return frame
        }
        let result = try Frame()
        result.pointer.pointee.format = source.format
        result.pointer.pointee.width = source.width
        result.pointer.pointee.height = source.height
        try LibraryCalls.check(av_frame_get_buffer(result.pointer, 0), Self.copying)
        try LibraryCalls.check(av_frame_copy(result.pointer, frame.pointer), Self.copying)
        try LibraryCalls.check(av_frame_copy_props(result.pointer, frame.pointer), Self.copying)
        result.pointer.pointee.interlaced_frame = 0
        let before = last.flatMap { Planes($0.pointer.pointee) }
        if let target = Planes(result.pointer.pointee) {
            let secondField = source.top_field_first != 0 ? 1 : 0
            for index in planes.all.indices {
                let old = before.flatMap { $0.sizes == planes.sizes ? $0.all[index] : nil }
                target.all[index].interpolate(field: secondField, of: planes.all[index], before: old)
            }
        }
        last = frame
        return result
    }
}

/// The 8-bit planes of a frame: luma, and chroma of any subsampling.
private struct Planes {
    let all: [FieldPlane]
    var sizes: [FieldPlane.Size] { all.map(\.size) }

    init?(_ frame: AVFrame) {
        guard let form = av_pix_fmt_desc_get(AVPixelFormat(rawValue: frame.format)) else { return nil }
        let isPlanar = form.pointee.flags & UInt64(AV_PIX_FMT_FLAG_PLANAR) != 0
        guard isPlanar, form.pointee.nb_components == 3, form.pointee.comp.0.depth == 8 else { return nil }
        let data = [frame.data.0, frame.data.1, frame.data.2]
        let strides = [frame.linesize.0, frame.linesize.1, frame.linesize.2]
        var planes: [FieldPlane] = []
        for index in data.indices {
            guard let start = data[index], strides[index] > 0 else { return nil }
            let shift = index == 0 ? (0, 0) : (Int(form.pointee.log2_chroma_w), Int(form.pointee.log2_chroma_h))
            // Sizes that do not divide are rounded up.
            let size = FieldPlane.Size(
                width: -((-Int(frame.width)) >> shift.0),
                height: -((-Int(frame.height)) >> shift.1)
            )
            planes.append(FieldPlane(start: start, lineBytes: Int(strides[index]), size: size))
        }
        all = planes
    }
}
