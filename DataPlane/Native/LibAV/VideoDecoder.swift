import CLibAV
import Codecs
package import MediaModel
package import Timebase
package import Transcoding

/// A picture in libav's memory, which is counted and freed with the last holder.
///
/// `@unchecked Sendable`: nobody writes to the frame after `init`.
package final class Picture: VideoPicture, @unchecked Sendable {
    let frame: Frame
    package let presentationTime: MediaTime
    package let size: PictureSize
    package let displaySize: PictureSize
    package let colours: PictureColours

    /// Takes the frame over.
    init(_ frame: Frame) {
        self.frame = frame
        presentationTime = MediaTime(ticks: frame.pointer.pointee.pts)
        let fields = frame.pointer.pointee
        size = PictureSize(width: Int(fields.width), height: Int(fields.height))
        displaySize = PictureSize(width: fields.squareWidth, height: Int(fields.height))
        colours = PictureColours(
            primaries: UInt8(clamping: fields.color_primaries.rawValue),
            transfer: UInt8(clamping: fields.color_trc.rawValue),
            // What scalers make of RGB.
            matrix: UInt8(
                clamping: (fields.colorspace == AVCOL_SPC_RGB ? AVCOL_SPC_SMPTE170M : fields.colorspace).rawValue
            )
        )
    }
}

extension AVFrame {
    /// Columns in square samples, as a codec's parameters tell them of the whole stream.
    fileprivate var squareWidth: Int {
        SampleAspectRatio(width: Int(sample_aspect_ratio.num), height: Int(sample_aspect_ratio.den))?
            .squareWidth(of: Int(width)) ?? Int(width)
    }
}

package final class VideoDecoder: VideoDecoding {
    private let context: CodecContext
    private let packet: Packet
    private let deinterlacer = Deinterlacer()

    package init(for codec: CodecParameters, threads: Int = 1) throws(CodecPortError) {
        context = try codec.makeDecoder()
        packet = try Packet()
        context.pointer.pointee.thread_count = Int32(clamping: threads)
        try context.open()
    }

    package func decode(_ unit: AccessUnit) throws(CodecPortError) -> [Picture] {
        try packet.fill(unit.payload)
        packet.pointer.pointee.pts = unit.presentationTime.ticks
        packet.pointer.pointee.dts = unit.decodeTime.ticks
        if unit.isKeyframe { packet.pointer.pointee.flags |= AV_PKT_FLAG_KEY }
        try context.send(packet)
        return try pictures()
    }

    package func finish() -> [Picture] {
        // What cannot be decoded at the end is lost like any broken picture.
        guard (try? context.send(nil as Packet?)) != nil else { return [] }
        return (try? pictures()) ?? []
    }

    private func pictures() throws(CodecPortError) -> [Picture] {
        var pictures: [Picture] = []
        while true {
            let frame = try Frame()
            guard try context.receive(into: frame) else { return pictures }
            let time = frame.pointer.pointee.best_effort_timestamp
            guard time != clibav_no_time() else { continue }
            frame.pointer.pointee.pts = time
            pictures.append(Picture(try deinterlacer.progressive(frame)))
        }
    }
}
