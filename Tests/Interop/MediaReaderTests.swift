import ClusterHarness
import ClusterModel
import Foundation
import Testing

@Suite(.serialized) struct MediaReaderTests {
    private static let settings =
        #"{"encoderSettings":[{"height":144,"videoBitrate":150000,"audioBitrate":64000}],"encoderSpeed":"ultrafast"}"#

    @Test func `readers that are not ours find what is there in playlists, description and segments`() async throws {
        let (cluster, _, edge, publisher) = try await Cluster.publishing(settings: Self.settings)
        let urls = [".m3u8", "_adaptive.m3u8", "/s1_adaptive.mpd"].map { edge.media("live/s1", $0) }
        try await eventually("the rung is described, by two segments\n\(cluster.logs)", within: .seconds(60)) {
            let text = String(decoding: try http(urls[2]).body, as: UTF8.self)
            // The sound's are counted too: three of the source by then.
            return text.split(separator: "150kbps_video\"").last?.components(separatedBy: "<S ").count ?? 0 > 5
        }
        let found = try await MediaReaders.read(playlist: urls[0], multivariant: urls[1], description: urls[2])
        let playlist = found.playlist
        #expect(playlist.targetDuration == 2 && playlist.longest <= 2.5)
        #expect(playlist.canBlockReload && playlist.partTarget <= 0.2)
        #expect(playlist.partHoldBack >= 3 * playlist.partTarget, "RFC 8216bis §4.4.3.8")
        #expect(playlist.segments > 1 && playlist.partsAreTheSegment)
        #expect(Set(playlist.boxes) == ["moof", "mdat"])
        #expect(playlist.codecs.map { $0.prefix(4) } == ["avc1", "mp4a"])

        #expect(found.multivariant.map(\.uri) == ["s1.m3u8", "s1_144p150kbps.m3u8"])
        for variant in found.multivariant {
            #expect(variant.bandwidth >= variant.averageBandwidth ?? .max, "\(variant)")
            #expect(variant.frameRate == 25 && variant.codecs.contains("mp4a.40.2"), "\(variant)")
        }
        #expect(found.multivariant.map(\.resolution) == [[320, 180], [256, 144]])

        #expect(Set(found.description.keys) == ["source_video", "144p150kbps_video", "source_audio"])
        for (name, representation) in found.description {
            #expect(representation.codecs.count == 1, "\(name) \(representation)")
            #expect(abs(representation.duration - 2) < 0.1, "\(name) \(representation)")
        }
        #expect(publisher.isRunning)
    }
}
