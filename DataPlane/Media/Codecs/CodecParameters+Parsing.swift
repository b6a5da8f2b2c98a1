package import MediaModel

package import struct NIOCore.ByteBuffer

extension CodecParameters {
    /// From an AVC sequence header. The stored record says 4-byte lengths, which is what access units carry: bring
    /// payloads of a stream with shorter ones there by `LengthPrefixedNALUnits.normalize`.
    package static func h264(avcC: ByteBuffer) throws(CodecError) -> Self {
        let configuration = try AVCConfiguration(parsing: avcC)
        let size = try H264SequenceParameterSet(parsing: configuration.sequenceParameterSets[0])
        return .h264(configuration: configuration.encoded(), width: size.width, height: size.height)
    }

    /// As `h264(avcC:)`, for an HEVC sequence header.
    package static func h265(hvcC: ByteBuffer) throws(CodecError) -> Self {
        let configuration = try HEVCConfiguration(parsing: hvcC)
        guard let sps = configuration.parameterSets(.sequence).first else {
            throw .malformed(.hevcConfiguration, "no sequence parameter set")
        }
        let size = try H265SequenceParameterSet(parsing: sps)
        var record = ByteBuffer(hvcC.readableBytesView)
        let lengthByte = record.readerIndex + 21
        record.setInteger((record.getInteger(at: lengthByte, as: UInt8.self) ?? 0) | 3, at: lengthByte)
        return .h265(configuration: record, width: size.width, height: size.height)
    }

    /// The size is 0 × 0 when the record leaves the sequence header to the stream.
    package static func av1(av1C: ByteBuffer) throws(CodecError) -> Self {
        let header = try AV1Configuration(parsing: av1C).sequenceHeader
        return .av1(configuration: av1C, width: header?.width ?? 0, height: header?.height ?? 0)
    }

    package static func aac(audioSpecificConfig: ByteBuffer) throws(CodecError) -> Self {
        let config = try AudioSpecificConfig(parsing: audioSpecificConfig)
        return .aac(configuration: audioSpecificConfig, sampleRate: config.sampleRate, channels: config.channels)
    }

    package static func opus(head: ByteBuffer) throws(CodecError) -> Self {
        .opus(configuration: head, channels: try OpusHead(parsing: head).channels)
    }

    package static func ac3(firstFrame: ByteBuffer) throws(CodecError) -> Self {
        try AC3FrameHeader(parsing: firstFrame).parameters
    }

    package static func mp3(firstFrame: ByteBuffer) throws(CodecError) -> Self {
        let header = try MP3FrameHeader(parsing: firstFrame)
        return .mp3(sampleRate: header.sampleRate, channels: header.channels)
    }
}

extension CodecParameters {
    /// The name players know the codec by (RFC 6381); nil for data, and for a configuration that does not parse.
    package var codecString: String? {
        switch self {
        case .h264(let configuration, _, _): (try? AVCConfiguration(parsing: configuration))?.codecString
        case .h265(let configuration, _, _): (try? HEVCConfiguration(parsing: configuration))?.codecString
        case .av1(let configuration, _, _): (try? AV1Configuration(parsing: configuration))?.codecString
        case .vp8: "vp8"
        case .vp9(let configuration, _, _): (try? VPConfiguration(parsing: configuration))?.vp9CodecString
        case .aac(let configuration, _, _): (try? AudioSpecificConfig(parsing: configuration))?.codecString
        case .mp3: "mp4a.6B"
        case .ac3: "ac-3"
        case .opus: "opus"
        case .data: nil
        }
    }

    /// Width and height of video, when known.
    package var pictureSize: (width: Int, height: Int)? {
        switch self {
        case .h264(_, let width, let height), .h265(_, let width, let height), .av1(_, let width, let height),
            .vp8(let width, let height), .vp9(_, let width, let height):
            width > 0 && height > 0 ? (width, height) : nil
        case .aac, .mp3, .ac3, .opus, .data: nil
        }
    }

    /// As H.264 and H.265 tell it in their VUI; nil where they do not, and for other codecs.
    package var framesPerSecond: Double? {
        h264SequenceParameterSet?.framesPerSecond ?? h265SequenceParameterSet?.framesPerSecond
    }

    var h264SequenceParameterSet: H264SequenceParameterSet? {
        guard case .h264(let configuration, _, _) = self,
            let sets = (try? AVCConfiguration(parsing: configuration))?.sequenceParameterSets, let first = sets.first
        else { return nil }
        return try? H264SequenceParameterSet(parsing: first)
    }

    var h265SequenceParameterSet: H265SequenceParameterSet? {
        guard case .h265(let configuration, _, _) = self,
            let sets = (try? HEVCConfiguration(parsing: configuration))?.parameterSets(.sequence),
            let first = sets.first
        else { return nil }
        return try? H265SequenceParameterSet(parsing: first)
    }

    /// Of sound; 2 of what says none.
    package var channels: Int {
        switch self {
        case .aac(_, _, let channels), .mp3(_, let channels), .ac3(_, _, let channels), .opus(_, let channels): channels
        case .h264, .h265, .av1, .vp8, .vp9, .data: 2
        }
    }

    /// Of audio, as it leaves the decoder.
    package var sampleRate: Int? {
        switch self {
        case .aac(_, let sampleRate, _), .mp3(let sampleRate, _), .ac3(_, let sampleRate, _): sampleRate
        case .opus: OpusHead.sampleRate
        case .h264, .h265, .av1, .vp8, .vp9, .data: nil
        }
    }

    /// Samples one frame of audio holds, at `sampleRate`; nil for video, data and frames that do not parse.
    package func samples(inFrame frame: ByteBuffer) -> Int? {
        switch self {
        case .aac(let configuration, _, _): (try? AudioSpecificConfig(parsing: configuration))?.samplesPerFrame
        case .mp3: (try? MP3FrameHeader(parsing: frame))?.samplesPerFrame
        case .ac3: AC3FrameHeader.samplesPerFrame
        case .opus: OpusPacket.samples(frame)
        case .h264, .h265, .av1, .vp8, .vp9, .data: nil
        }
    }
}
