import CLibAV
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
    /// Only for that encoder, and once it is opened.
    private var svtAV1: SVTAV1?

    init(_ codec: UnsafePointer<AVCodec>) throws(CodecPortError) {
        LibraryCalls.quiet
        name = String(cString: codec.pointee.name)
        pointer = try LibraryCalls.allocated(avcodec_alloc_context3(codec), "making a codec context")
    }

    deinit {
        if let svtAV1 { svtAV1.close(free) } else { free() }
    }

    private func free() {
        var pointer: UnsafeMutablePointer<AVCodecContext>? = pointer
        avcodec_free_context(&pointer)
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
        if name == "libsvtav1" { svtAV1 = try SVTAV1(pointer, speed: options["preset"] ?? "") }
        let status = svtAV1?.open(&dictionary) ?? avcodec_open2(pointer, nil, &dictionary)
        try LibraryCalls.check(status, "opening \(name)")
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

    // MARK: Encoding

    func send(_ frame: Frame?) throws(CodecPortError) {
        if frame != nil { svtAV1?.pictureSent() }
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
