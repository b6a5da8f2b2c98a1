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
    var rungs: [String] {
        guard tracks.first(where: { $0.kind == .video })?.codec.pictureSize != nil else { return [] }
        return RenditionPlan(of: tracks, settings: settings).renditions.map(\.name)
    }

    /// The playlists of the other renditions of the same source. A rung does not know how large its source is, so it names
    /// those that are surely there: the source and lower rungs.
    var siblingPlaylists: [String] {
        let playlists = rungs.map { "\(id.source.derived(.rung($0)).id).m3u8" }
        switch id.derivation {
        case nil: return playlists
        case .rung: return ["\(id.source.id).m3u8"] + playlists.filter { $0 != "\(id.id).m3u8" }
        case .inOrder, .sliced, .sound: return []
        }
    }
}

extension MultivariantPlaylist {
    /// The stream itself, then the rungs its source is good for. On the stream's loop.
    static func variants(of stream: LiveStream, index: SegmentIndex) -> [Variant] {
        let source = Variant(uri: "\(stream.id.id).m3u8", index: index, tracks: stream.tracks)
        guard stream.id.derivation == nil, let video = stream.tracks.first(where: { $0.kind == .video })?.codec,
            video.pictureSize != nil
        else { return [source] }
        let plan = RenditionPlan(of: stream.tracks, settings: stream.settings)
        let sound = stream.tracks.filter { $0.kind == .audio }.compactMap(\.codec.codecString)
        let channels = stream.tracks.first { $0.kind == .audio }?.codec.channels ?? 0
        // AAC-LC, as rungs' sound is encoded.
        let aac = sound.isEmpty ? [] : ["mp4a.40.2"]
        return [source]
            + plan.renditions.map { rendition in
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
