import CLibAV
import Codecs
package import MediaModel
package import Transcoding

package import struct NIOCore.ByteBuffer

package final class AudioEncoder: AudioEncoding {
    package let codec: CodecParameters
    package let packetFrames: Int
    package let delayFrames: Int
    private let channels: Int
    private let context: CodecContext
    private let packet: Packet

    package init(_ format: AudioFormat) throws(CodecPortError) {
        let name = format.codec.encoderName
        guard let encoder = avcodec_find_encoder_by_name(name) else { throw .encoderMissing(name: name) }
        context = try CodecContext(encoder)
        packet = try Packet()
        channels = format.channels
        Self.apply(format, to: &context.pointer.pointee)
        try context.open()
        packetFrames = Int(context.pointer.pointee.frame_size)
        delayFrames = Int(context.pointer.pointee.initial_padding)
        codec = try Self.parameters(of: format, context)
    }

    package func encode(_ samples: [Float]) throws(CodecPortError) -> [ByteBuffer] {
        let frame = try Frame()
        frame.pointer.pointee.format = context.pointer.pointee.sample_fmt.rawValue
        frame.pointer.pointee.sample_rate = context.pointer.pointee.sample_rate
        frame.pointer.pointee.nb_samples = Int32(clamping: samples.count / channels)
        av_channel_layout_default(&frame.pointer.pointee.ch_layout, Int32(clamping: channels))
        try LibraryCalls.check(av_frame_get_buffer(frame.pointer, 0), "making room for sound")
        fill(frame.pointer.pointee, with: samples)
        try context.send(frame)
        var packets: [ByteBuffer] = []
        while try context.receive(into: packet) {
            packets.append(packet.payload)
            av_packet_unref(packet.pointer)
        }
        return packets
    }

    private func fill(_ frame: AVFrame, with samples: [Float]) {
        let isPlanar = av_sample_fmt_is_planar(AVSampleFormat(rawValue: frame.format)) == 1
        let planes = isPlanar ? channels : 1
        let stride = isPlanar ? channels : 1
        let count = samples.count / stride
        for plane in 0..<planes {
            guard let bytes = frame.extended_data[plane] else { continue }
            let target = UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: Float.self)
            for place in 0..<count { target[place] = samples[place * stride + plane] }
        }
    }

    private static func apply(_ format: AudioFormat, to context: inout AVCodecContext) {
        context.sample_rate = Int32(clamping: format.rate)
        context.sample_fmt = format.codec == .aac ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_FLT
        context.bit_rate = Int64(format.bitsPerSecond)
        context.time_base = AVRational(num: 1, den: Int32(clamping: format.rate))
        context.thread_count = 1
        context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        av_channel_layout_default(&context.ch_layout, Int32(clamping: format.channels))
    }

    private static func parameters(
        of format: AudioFormat,
        _ context: CodecContext
    ) throws(CodecPortError) -> CodecParameters {
        do {
            return switch format.codec {
            case .aac: try .aac(audioSpecificConfig: context.extradata)
            case .opus: try .opus(head: context.extradata)
            }
        } catch {
            throw .unusableOutput(encoder: context.name, reason: error.description)
        }
    }
}

extension AudioFormat.Codec {
    var encoderName: String {
        switch self {
        case .aac: "aac"
        case .opus: "libopus"
        }
    }
}
