import ClusterModel
import Codecs
import HLS
import MediaModel
import Streams
import Transcoding

extension StreamID {
    /// Below `/{app}/streams/`: the objects of rungs lie beside their source's.
    var objectFolder: String {
        if case .rung? = derivation { source.id } else { id }
    }

    /// As HLS objects are named.
    var renditionName: String {
        if case .rung(let name)? = derivation { name } else { ObjectName.sourceRendition }
    }
}

extension SegmentContainer {
    init(_ type: AppSettings.HLSSegmentType) {
        switch type {
        case .fmp4: self = .fragmentedMP4
        case .mpegts: self = .transportStream
        }
    }
}

extension LiveStream {
    /// The rungs that are good for a stream of this shape.
    private var rungs: [Rendition] {
        guard tracks.first(where: { $0.kind == .video })?.codec.pictureSize != nil else { return [] }
        return RenditionPlan(of: tracks, settings: settings).renditions
    }

    /// Those of them that can be had: a player that is shown one that its owner has given up would be refused it.
    var offeredRungs: [Rendition] { rungs.filter { !rungsGivenUp.contains($0.name) } }

    /// The playlists of the other renditions of the same source. A rung does not know how large its source is, so it names
    /// those that are surely there: the source and lower rungs.
    var siblingPlaylists: [String] {
        // Also those given up: one node learns of that a moment after another, and media playlists are equal on all.
        let playlists = rungs.map { "\(id.source.derived(.rung($0.name)).id).m3u8" }
        switch id.derivation {
        case nil: return playlists
        case .rung: return ["\(id.source.id).m3u8"] + playlists.filter { $0 != "\(id.id).m3u8" }
        case .inOrder, .sliced, .sound: return []
        }
    }
}

extension MultivariantPlaylist {
    /// The stream itself, then the rungs that its source is good for and its owner makes. On the stream's loop.
    static func variants(of stream: LiveStream, index: SegmentIndex) -> [Variant] {
        let source = Variant(uri: "\(stream.id.id).m3u8", index: index, tracks: stream.tracks)
        guard stream.id.derivation == nil, let video = stream.tracks.first(where: { $0.kind == .video })?.codec else {
            return [source]
        }
        let sound = stream.tracks.filter { $0.kind == .audio }.compactMap(\.codec.codecString)
        let channels = stream.tracks.first { $0.kind == .audio }?.codec.channels ?? 0
        // AAC-LC, as rungs' sound is encoded.
        let aac = sound.isEmpty ? [] : ["mp4a.40.2"]
        return [source]
            + stream.offeredRungs.map { rendition in
                let forecast = RungForecast(
                    rendition,
                    settings: stream.settings,
                    framesPerSecond: video.framesPerSecond,
                    channels: channels
                )
                var variant = Variant(
                    uri: "\(stream.id.derived(.rung(rendition.name)).id).m3u8",
                    bandwidth: forecast.peakBitsPerSecond,
                    averageBandwidth: forecast.averageBitsPerSecond,
                    codecs: forecast.videoCodec.map { [$0] + (rendition.audioBitsPerSecond > 0 ? aac : sound) } ?? []
                )
                (variant.width, variant.height) = (rendition.size.width, rendition.size.height)
                variant.framesPerSecond = video.framesPerSecond
                return variant
            }
    }
}
