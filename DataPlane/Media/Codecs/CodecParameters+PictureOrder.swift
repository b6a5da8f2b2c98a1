package import MediaModel

extension CodecParameters {
    /// How many pictures a decoder holds back to show them in order, as the parameter sets tell; nil when they do not.
    package var reorderedPicturesMax: Int? {
        switch self {
        case .h264(let configuration, _, _):
            (try? AVCConfiguration(parsing: configuration))?.sequenceParameterSets.first
                .flatMap { try? H264SequenceParameterSet(parsing: $0) }?.reorderedPicturesMax
        case .h265(let configuration, _, _):
            (try? HEVCConfiguration(parsing: configuration))?.parameterSets(.sequence).first
                .flatMap { try? H265SequenceParameterSet(parsing: $0) }?.reorderedPicturesMax
        // What their access units show comes in its order.
        case .av1, .vp8, .vp9: 0
        case .aac, .mp3, .ac3, .opus, .data: 0
        }
    }
}
