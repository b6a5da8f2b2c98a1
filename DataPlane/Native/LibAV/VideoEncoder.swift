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

    package init(_ settings: VideoEncoderSettings) throws(CodecPortError) {
        guard let encoder = avcodec_find_encoder_by_name(settings.encoder) else {
            throw .encoderMissing(name: settings.encoder)
        }
        context = try CodecContext(encoder)
        packet = try Packet()
        scratch = try Frame()
        Self.apply(settings, to: &context.pointer.pointee)
        try context.open(options: EncoderOptions(for: settings).values)
        bitstream = try BitstreamForm(encoder.pointee.id, encoder: settings.encoder)
        codec = try bitstream.parameters(extradata: context.extradata, size: settings.size)
    }

    package func encode(_ picture: Picture, asKeyframe: Bool) throws(CodecPortError) -> [EncodedPicture] {
        try LibraryCalls.check(av_frame_ref(scratch.pointer, picture.frame.pointer), "referring to a picture")
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
            pictures.append(
                EncodedPicture(
                    decodeTime: MediaTime(ticks: fields.dts),
                    presentationTime: MediaTime(ticks: fields.pts),
                    isKeyframe: fields.flags & AV_PKT_FLAG_KEY != 0,
                    payload: bitstream.payload(packet.payload)
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
        context.bit_rate = Int64(settings.bitsPerSecond)
        // A second's worth of buffer at the bit rate: what players see as the peak stays near it.
        context.rc_max_rate = Int64(settings.bitsPerSecond)
        context.rc_buffer_size = Int32(clamping: settings.bitsPerSecond)
        context.max_b_frames = settings.isInOrder ? 0 : bFramesMax
        context.gop_size = 1 << 30
        if settings.encoder == "libx264" {
            context.level = Int32(
                H264Level.lowest(
                    size: settings.size,
                    framesPerSecond: settings.framesPerSecond,
                    bitsPerSecond: settings.bitsPerSecond
                )
            )
        }
        context.thread_count = Int32(clamping: settings.threads)
        context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | clibav_flag_closed_gop()
    }
}

/// How each encoder is told to make keyframes where asked and nowhere else.
struct EncoderOptions {
    let values: [String: String]

    init(for settings: VideoEncoderSettings) {
        var values: [String: String] = [:]
        switch settings.encoder {
        case "libx264":
            values["forced-idr"] = "1"
            values["x264-params"] = "scenecut=0:open-gop=0"
            if settings.isInOrder {
                values["profile"] = "baseline"
                values["tune"] = "zerolatency"
            }
        case "libx265":
            values["forced-idr"] = "1"
            values["x265-params"] = "scenecut=0:open-gop=0:keyint=-1:log-level=none"
        case "h264_nvenc", "hevc_nvenc":
            values["forced-idr"] = "1"
            values["no-scenecut"] = "1"
            if settings.isInOrder {
                values["profile"] = "baseline"
                values["zerolatency"] = "1"
            }
        default: break
        }
        values["preset"] = settings.preset
        self.values = values
    }
}
