import CLibAV
import Transcoding

/// The pictures of an encoder that takes them from its device's memory (VA-API): brings them there, in the form devices take.
final class HardwareFrames {
    /// Reference pictures, those being reordered, and those on their way.
    private static let poolSize: Int32 = 20

    private let frames: UnsafeMutablePointer<AVBufferRef>
    private let scaler: Scaler

    /// Opens the machine's device, the first there is.
    init(for settings: VideoEncoderSettings) throws(CodecPortError) {
        var device: UnsafeMutablePointer<AVBufferRef>?
        defer { av_buffer_unref(&device) }
        try LibraryCalls.check(
            av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_VAAPI, nil, nil, 0),
            "opening a VA-API device"
        )
        let made = try LibraryCalls.allocated(av_hwframe_ctx_alloc(device), "making room on a VA-API device")
        let data: UnsafeMutablePointer<UInt8>? = made.pointee.data
        if let context = data.map({ UnsafeMutableRawPointer($0).assumingMemoryBound(to: AVHWFramesContext.self) }) {
            context.pointee.format = AV_PIX_FMT_VAAPI
            context.pointee.sw_format = AV_PIX_FMT_NV12
            context.pointee.width = Int32(clamping: settings.size.width)
            context.pointee.height = Int32(clamping: settings.size.height)
            context.pointee.initial_pool_size = Self.poolSize
        }
        let code = av_hwframe_ctx_init(made)
        if code < 0 {
            var unused: UnsafeMutablePointer<AVBufferRef>? = made
            av_buffer_unref(&unused)
        }
        try LibraryCalls.check(code, "making room on a VA-API device")
        frames = made
        scaler = Scaler(to: settings.size, format: AV_PIX_FMT_NV12)
    }

    deinit {
        var frames: UnsafeMutablePointer<AVBufferRef>? = frames
        av_buffer_unref(&frames)
    }

    func attach(to context: inout AVCodecContext) throws(CodecPortError) {
        context.pix_fmt = AV_PIX_FMT_VAAPI
        context.hw_frames_ctx = try LibraryCalls.allocated(av_buffer_ref(frames), "sharing a device's pictures")
    }

    /// The picture in the device's memory.
    func upload(_ picture: Picture) throws(CodecPortError) -> Frame {
        let source = try scaler.scale(picture)
        let frame = try Frame()
        try LibraryCalls.check(av_hwframe_get_buffer(frames, frame.pointer, 0), "making room for a picture on a device")
        try LibraryCalls.check(
            av_hwframe_transfer_data(frame.pointer, source.frame.pointer, 0),
            "bringing a picture to a device"
        )
        return frame
    }
}
