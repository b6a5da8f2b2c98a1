import CLibAV
package import MediaModel
import Timebase
package import Transcoding

/// Encodes closed GOPs that begin exactly where it is told: its own ideas of keyframes are switched off.
package final class VideoEncoder: VideoEncoding {
    package let codec: CodecParameters
    private let context: CodecContext
    private let bitstream: BitstreamForm
    private let packet: Packet
    /// What is sent: a reference to the shared picture, with fields of its own.
    private let scratch: Frame
    /// Of an encoder that takes pictures from its device only.
    private let hardware: HardwareFrames?

    package init(_ settings: VideoEncoderSettings) throws(CodecPortError) {
        guard let encoder = avcodec_find_encoder_by_name(settings.encoder), encoder.pointee.type == AVMEDIA_TYPE_VIDEO
        else { throw .encoderMissing(name: settings.encoder) }
        context = try CodecContext(encoder)
        packet = try Packet()
        scratch = try Frame()
        do throws(CodecPortError) {
            hardware = settings.encoder.hasSuffix("_vaapi") ? try HardwareFrames(for: settings) : nil
            Self.apply(settings, to: &context.pointer.pointee)
            try hardware?.attach(to: &context.pointer.pointee)
            try context.open(options: EncoderOptions(for: settings).values)
        } catch {
            throw .encoderUnusable(name: settings.encoder, speed: settings.speed, reason: error.description)
        }
        bitstream = try BitstreamForm(encoder.pointee.id, encoder: settings.encoder)
        codec = try bitstream.parameters(extradata: context.extradata, size: settings.size)
    }

    package func encode(_ picture: Picture, asKeyframe: Bool) throws(CodecPortError) -> [EncodedPicture] {
        let frame = try hardware?.upload(picture) ?? picture.frame
        try LibraryCalls.check(av_frame_ref(scratch.pointer, frame.pointer), "referring to a picture")
        defer { av_frame_unref(scratch.pointer) }
        scratch.pointer.pointee.pts = picture.presentationTime.ticks
        scratch.pointer.pointee.pict_type = asKeyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE
        scratch.pointer.pointee.key_frame = asKeyframe ? 1 : 0
        try context.send(scratch)
        return try encodedPictures()
    }

    package func finish() throws(CodecPortError) -> [EncodedPicture] {
        try context.send(nil as Frame?)
        return try encodedPictures()
    }

    private func encodedPictures() throws(CodecPortError) -> [EncodedPicture] {
        var pictures: [EncodedPicture] = []
        while try context.receive(into: packet) {
            defer { av_packet_unref(packet.pointer) }
            let fields = packet.pointer.pointee
            let decodeTime = bitstream.isInOrder ? fields.pts : fields.dts
            pictures.append(
                EncodedPicture(
                    decodeTime: MediaTime(ticks: decodeTime),
                    presentationTime: MediaTime(ticks: fields.pts),
                    isKeyframe: fields.flags & AV_PKT_FLAG_KEY != 0,
                    payload: try bitstream.payload(packet.payload)
                )
            )
        }
        return pictures
    }

    private static let bFramesMax: Int32 = 2

    private static func apply(_ settings: VideoEncoderSettings, to context: inout AVCodecContext) {
        context.width = Int32(clamping: settings.size.width)
        context.height = Int32(clamping: settings.size.height)
        context.pix_fmt = AV_PIX_FMT_YUV420P
        context.time_base = .mediaTime
        context.framerate = av_d2q(settings.framesPerSecond, 1001 * 60)
        context.sample_aspect_ratio = AVRational(num: 1, den: 1)
        applyColours(settings.colours, to: &context)
        applyRate(settings, to: &context)
        context.max_b_frames = settings.isInOrder ? 0 : bFramesMax
        context.gop_size = 1 << 30
        switch settings.encoder {
        case "libx264": context.level = Int32(settings.level(by: H264Level.lowest))
        case "libsvtav1": context.level = Int32(settings.level(by: AV1Level.lowest))
        default: break
        }
        context.thread_count = Int32(clamping: settings.threads)
        context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | clibav_flag_closed_gop()
    }

    private static func applyColours(_ colours: PictureColours, to context: inout AVCodecContext) {
        context.color_primaries = AVColorPrimaries(UInt32(colours.primaries))
        context.color_trc = AVColorTransferCharacteristic(UInt32(colours.transfer))
        context.colorspace = AVColorSpace(UInt32(colours.matrix))
        // What scalers make.
        context.color_range = AVCOL_RANGE_MPEG
    }

    private static func applyRate(_ settings: VideoEncoderSettings, to context: inout AVCodecContext) {
        // Its rate is among its options.
        guard settings.encoder != "libsvtav1" else { return }
        context.bit_rate = Int64(settings.bitsPerSecond)
        // A second's worth of buffer at the bit rate: what players see as the peak stays near it.
        context.rc_max_rate = Int64(settings.bitsPerSecond)
        context.rc_buffer_size = Int32(clamping: settings.bitsPerSecond)
    }
}
