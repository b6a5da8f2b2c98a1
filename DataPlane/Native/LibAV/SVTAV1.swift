import CLibAV
import Synchronization
import Transcoding

/// One encoder by SVT-AV1, with what version 1.4 asks of its users beyond libavcodec's rules.
///
/// It keeps tables for the whole process that differ by speed and are set up with every encoder: others must not be slower or
/// faster while one runs, and none may be opened while another one is closed.
final class SVTAV1 {
    private struct Present {
        var speed = ""
        var encoders = 0
    }

    private static let present = Mutex(Present())
    private static let turn = Mutex(())

    private let context: UnsafeMutablePointer<AVCodecContext>
    private var isOpen = false
    private var hasPicture = false

    init(_ context: UnsafeMutablePointer<AVCodecContext>, speed: String) throws(CodecPortError) {
        self.context = context
        let other = Self.present.withLock { present -> String? in
            if present.encoders > 0, present.speed != speed { return present.speed }
            (present.speed, present.encoders) = (speed, present.encoders + 1)
            return nil
        }
        if let other {
            throw .encoderUnusable(
                name: "libsvtav1",
                speed: speed,
                reason: "one of speed \(other) runs, and no other beside it may: give all apps the same encoderSpeed"
            )
        }
    }

    func open(_ options: inout OpaquePointer?) -> CInt {
        let status = Self.turn.withLock { _ in avcodec_open2(context, nil, &options) }
        isOpen = status >= 0
        return status
    }

    func pictureSent() { hasPicture = true }

    /// Instead of freeing the context. Closed before its first picture, or before its last one came out, SVT-AV1 waits for ever.
    func close(_ free: () -> Void) {
        Self.turn.withLock { _ in
            if isOpen { drain() }
            free()
        }
        Self.present.withLock { $0.encoders -= 1 }
    }

    private func drain() {
        if !hasPicture { sendAnything() }
        guard avcodec_send_frame(context, nil) >= 0, let packet = try? Packet() else { return }
        while avcodec_receive_packet(context, packet.pointer) >= 0 { av_packet_unref(packet.pointer) }
    }

    private func sendAnything() {
        guard let frame = try? Frame() else { return }
        frame.pointer.pointee.format = context.pointee.pix_fmt.rawValue
        frame.pointer.pointee.width = context.pointee.width
        frame.pointer.pointee.height = context.pointee.height
        guard av_frame_get_buffer(frame.pointer, 0) >= 0 else { return }
        // One colour is done at once, where what memory held before takes the slow presets minutes.
        for plane in [frame.pointer.pointee.buf.0, frame.pointer.pointee.buf.1, frame.pointer.pointee.buf.2] {
            guard let plane else { continue }
            plane.pointee.data.initialize(repeating: 0x80, count: plane.pointee.size)
        }
        avcodec_send_frame(context, frame.pointer)
    }
}
