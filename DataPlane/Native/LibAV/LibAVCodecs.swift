import CLibAV
package import MediaModel
import Timebase
package import Transcoding

import struct NIOCore.ByteBuffer

/// libavcodec, libswscale and libswresample as the codec library of the pipelines.
package struct LibAVCodecs: VideoCodecs, AudioCodecs {
    /// Of each decoder.
    package var decoderThreads: Int

    package init(decoderThreads: Int = 1) {
        LibraryCalls.quiet
        self.decoderThreads = decoderThreads
    }

    package func decoder(for codec: CodecParameters) throws(CodecPortError) -> any VideoDecoding<Picture> {
        try VideoDecoder(for: codec, threads: decoderThreads)
    }

    package func scaler(to size: PictureSize) throws(CodecPortError) -> any VideoScaling<Picture> {
        Scaler(to: size)
    }

    package func encoder(_ settings: VideoEncoderSettings) throws(CodecPortError) -> any VideoEncoding<Picture> {
        try VideoEncoder(settings)
    }

    package func decoder(for codec: CodecParameters) throws(CodecPortError) -> any AudioDecoding {
        try AudioDecoder(for: codec)
    }

    package func resampler(
        fromRate rate: Int,
        channels: Int,
        to format: AudioFormat
    ) throws(CodecPortError) -> any AudioResampling {
        try Resampler(fromRate: rate, channels: channels, toRate: format.rate, channels: format.channels)
    }

    package func encoder(_ format: AudioFormat) throws(CodecPortError) -> any AudioEncoding {
        try AudioEncoder(format)
    }
}

extension CodecParameters {
    /// libav's id, and the bytes a decoder needs before the first unit.
    var decoderSetup: (id: AVCodecID, extradata: ByteBuffer)? {
        switch self {
        case .h264(let configuration, _, _): (AV_CODEC_ID_H264, configuration)
        case .h265(let configuration, _, _): (AV_CODEC_ID_HEVC, configuration)
        case .av1(let configuration, _, _): (AV_CODEC_ID_AV1, configuration)
        case .vp8: (AV_CODEC_ID_VP8, ByteBuffer())
        case .vp9: (AV_CODEC_ID_VP9, ByteBuffer())
        case .aac(let configuration, _, _): (AV_CODEC_ID_AAC, configuration)
        case .mp3: (AV_CODEC_ID_MP3, ByteBuffer())
        case .opus(let configuration, _): (AV_CODEC_ID_OPUS, configuration)
        case .ac3: (AV_CODEC_ID_AC3, ByteBuffer())
        case .data: nil
        }
    }

    func makeDecoder() throws(CodecPortError) -> CodecContext {
        guard let setup = decoderSetup, let codec = avcodec_find_decoder(setup.id) else {
            throw .decoderMissing(codec: name)
        }
        let context = try CodecContext(codec)
        try context.setExtradata(setup.extradata)
        context.pointer.pointee.pkt_timebase = AVRational.mediaTime
        return context
    }
}

extension AVRational {
    /// One tick of `MediaTime`.
    static let mediaTime = AVRational(num: 1, den: Int32(MediaTime.ticksPerSecond))
}
