import ClusterModel
import MediaModel

/// What a stream is made of, and what players of each protocol take of it as it is.
struct CarriedCodecs: Sendable {
    private let pictures: [CodecParameters]
    private let sounds: [CodecParameters]
    private let segments: AppSettings.HLSSegmentType

    init(_ tracks: [Track] = [], segments: AppSettings.HLSSegmentType) {
        pictures = tracks.filter { $0.kind == .video }.map(\.codec)
        sounds = tracks.filter { $0.kind == .audio }.map(\.codec)
        self.segments = segments
    }

    func refusal(of kind: ClientProtocol) -> Refusal? {
        pictures.first { !carries($0, kind) }.map { .unsupportedCodec($0.name.uppercased(), kind) }
    }

    /// The codec that players need the sound in; nil when they take it as it is.
    func soundNeeded(by kind: ClientProtocol) -> StreamID.SoundCodec? {
        switch kind {
        case .webrtc: sounds.contains { !$0.isOpus } ? .opus : nil
        // Enhanced RTMP has more, which few players and servers know.
        case .rtmp, .httpFlv: sounds.contains { $0.isOpus || $0.isAC3 } ? .aac : nil
        case .srt: soundNeededInTransportStreams
        case .hls: segments == .mpegts ? soundNeededInTransportStreams : nil
        case .dash: nil
        }
    }

    /// Opus has a place in them that hardly any player knows.
    private var soundNeededInTransportStreams: StreamID.SoundCodec? { sounds.contains(where: \.isOpus) ? .aac : nil }

    private func carries(_ picture: CodecParameters, _ kind: ClientProtocol) -> Bool {
        switch (picture, kind) {
        case (.h264, _), (.h265, _), (_, .webrtc): true
        case (.vp8, _): false
        case (_, .srt): false
        case (_, .hls): segments == .fmp4
        case (_, .dash): true
        // Enhanced RTMP as the servers here speak it.
        case (.av1, .rtmp), (.av1, .httpFlv): true
        case (_, .rtmp), (_, .httpFlv): false
        }
    }
}

extension CodecParameters {
    fileprivate var isOpus: Bool { if case .opus = self { true } else { false } }
    fileprivate var isAC3: Bool { if case .ac3 = self { true } else { false } }
}
