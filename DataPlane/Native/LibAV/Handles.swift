import CLibAV
import Synchronization
import Transcoding

import struct NIOCore.ByteBuffer

// Owners of libav's objects: each frees what it holds.

final class Frame {
    let pointer: UnsafeMutablePointer<AVFrame>

    init() throws(CodecPortError) { pointer = try LibraryCalls.allocated(av_frame_alloc(), "making a frame") }

    deinit {
        var pointer: UnsafeMutablePointer<AVFrame>? = pointer
        av_frame_free(&pointer)
    }
}

final class Packet {
    let pointer: UnsafeMutablePointer<AVPacket>

    init() throws(CodecPortError) { pointer = try LibraryCalls.allocated(av_packet_alloc(), "making a packet") }

    deinit {
        var pointer: UnsafeMutablePointer<AVPacket>? = pointer
        av_packet_free(&pointer)
    }

    /// Copies: decoders read beyond the end, where a `ByteBuffer` promises nothing.
    func fill(_ payload: ByteBuffer) throws(CodecPortError) {
        av_packet_unref(pointer)
        try LibraryCalls.check(av_new_packet(pointer, Int32(clamping: payload.readableBytes)), "filling a packet")
        payload.withUnsafeReadableBytes { bytes in
            UnsafeMutableRawBufferPointer(start: pointer.pointee.data, count: bytes.count).copyMemory(from: bytes)
        }
    }

    var payload: ByteBuffer {
        ByteBuffer(bytes: UnsafeRawBufferPointer(start: pointer.pointee.data, count: Int(pointer.pointee.size)))
    }
}

/// A codec between its making and its end. Send and receive alternate on one thread.
final class CodecContext {
    let pointer: UnsafeMutablePointer<AVCodecContext>
    let name: String
    /// SVT-AV1 1.4 shares state between encoders while they are opened and closed.
    private static let svtAV1 = Mutex(())
    private var isSVTAV1: Bool { name == "libsvtav1" }
    private var isOpen = false
    private var hasPicture = false

    init(_ codec: UnsafePointer<AVCodec>) throws(CodecPortError) {
        LibraryCalls.quiet
        name = String(cString: codec.pointee.name)
        pointer = try LibraryCalls.allocated(avcodec_alloc_context3(codec), "making a codec context")
    }

    deinit {
        guard isSVTAV1, isOpen else { return free() }
        Self.svtAV1.withLock { _ in
            endSVTAV1()
            free()
        }
    }

    private func free() {
        var pointer: UnsafeMutablePointer<AVCodecContext>? = pointer
        avcodec_free_context(&pointer)
    }

    /// Closed before its first picture, or before its last one came out, SVT-AV1 waits for ever.
    private func endSVTAV1() {
        if !hasPicture { sendAnything() }
        guard avcodec_send_frame(pointer, nil) >= 0, let packet = try? Packet() else { return }
        while avcodec_receive_packet(pointer, packet.pointer) >= 0 { av_packet_unref(packet.pointer) }
    }

    private func sendAnything() {
        guard let frame = try? Frame() else { return }
        frame.pointer.pointee.format = pointer.pointee.pix_fmt.rawValue
        frame.pointer.pointee.width = pointer.pointee.width
        frame.pointer.pointee.height = pointer.pointee.height
        guard av_frame_get_buffer(frame.pointer, 0) >= 0 else { return }
        // One colour is done at once, where what memory held before takes the slow presets minutes.
        for plane in [frame.pointer.pointee.buf.0, frame.pointer.pointee.buf.1, frame.pointer.pointee.buf.2] {
            guard let plane else { continue }
            plane.pointee.data.initialize(repeating: 0x80, count: plane.pointee.size)
        }
        avcodec_send_frame(pointer, frame.pointer)
    }

    func setExtradata(_ bytes: ByteBuffer) throws(CodecPortError) {
        guard bytes.readableBytes > 0 else { return }
        let size = bytes.readableBytes + Int(AV_INPUT_BUFFER_PADDING_SIZE)
        let memory = try LibraryCalls.allocated(av_mallocz(size), "storing codec parameters")
        bytes.withUnsafeReadableBytes { UnsafeMutableRawBufferPointer(start: memory, count: size).copyMemory(from: $0) }
        pointer.pointee.extradata = memory.assumingMemoryBound(to: UInt8.self)
        pointer.pointee.extradata_size = Int32(bytes.readableBytes)
    }

    var extradata: ByteBuffer {
        guard let start = pointer.pointee.extradata else { return ByteBuffer() }
        return ByteBuffer(bytes: UnsafeRawBufferPointer(start: start, count: Int(pointer.pointee.extradata_size)))
    }

    /// Options that the codec does not know are an error: a misspelt one would silently change the picture.
    func open(options: [String: String] = [:]) throws(CodecPortError) {
        var dictionary: OpaquePointer?
        defer { av_dict_free(&dictionary) }
        for (key, value) in options {
            try LibraryCalls.check(av_dict_set(&dictionary, key, value, 0), "setting \(key)")
        }
        try LibraryCalls.check(openCodec(&dictionary), "opening \(name)")
        isOpen = true
        if let left = av_dict_get(dictionary, "", nil, AV_DICT_IGNORE_SUFFIX) {
            throw .failed(operation: "opening \(name)", reason: "it has no option \(String(cString: left.pointee.key))")
        }
    }

    // MARK: Decoding

    func send(_ packet: Packet?) throws(CodecPortError) {
        try LibraryCalls.check(avcodec_send_packet(pointer, packet?.pointer), "decoding by \(name)")
    }

    /// False when it wants more packets, or has ended.
    func receive(into frame: Frame) throws(CodecPortError) -> Bool {
        try hasMore(avcodec_receive_frame(pointer, frame.pointer), "decoding")
    }

    private func openCodec(_ options: inout OpaquePointer?) -> CInt {
        guard isSVTAV1 else { return avcodec_open2(pointer, nil, &options) }
        return Self.svtAV1.withLock { _ in avcodec_open2(pointer, nil, &options) }
    }

    // MARK: Encoding

    func send(_ frame: Frame?) throws(CodecPortError) {
        if frame != nil { hasPicture = true }
        try LibraryCalls.check(avcodec_send_frame(pointer, frame?.pointer), "encoding by \(name)")
    }

    func receive(into packet: Packet) throws(CodecPortError) -> Bool {
        try hasMore(avcodec_receive_packet(pointer, packet.pointer), "encoding")
    }

    private func hasMore(_ code: Int32, _ operation: String) throws(CodecPortError) -> Bool {
        if code == clibav_error_again() || code == clibav_error_end() { return false }
        try LibraryCalls.check(code, "\(operation) by \(name)")
        return true
    }
}
