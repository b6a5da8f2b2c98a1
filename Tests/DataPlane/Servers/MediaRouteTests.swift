import ClusterModel
import DASH
import HLS
import HTTPServer
import Testing

@Suite struct MediaRouteTests {
    static func stream(_ id: String) throws -> StreamID { try StreamID(app: "live", id: id) }

    @Test func `Paths lead where the contract says`() throws {
        let rung = try Self.stream("s1").derived(.rung("240p300kbps"))
        let table: [(String, MediaRoute)] = [
            ("/livez", .live),
            ("/readyz", .ready),
            ("/metrics", .metrics),
            ("/", .controlPlane),
            ("/rest/anything", .controlPlane),
            ("/rest/changeServerSettings", .nodeSettings),
            ("/rest/v2/server-settings", .nodeSettings),
            ("/live/rest/v2/broadcasts/s1", .controlPlane),
            ("/live/streams/s1.flv", .httpFLV(try Self.stream("s1"))),
            ("/live/streams/s1.m3u8", .mediaPlaylist(try Self.stream("s1"))),
            ("/live/streams/s1/s1.mpd", .mediaPresentation(try Self.stream("s1"))),
            ("/live/streams/s1/s1_adaptive.mpd", .adaptivePresentation(try Self.stream("s1"))),
            (
                "/live/streams/s1/240p300kbps_video-3-7.m4s",
                .object(rung, try #require(ObjectName("240p300kbps_video-3-7.m4s")))
            ),
            (
                "/live/streams/s1/240p300kbps_video-3-t540000.m4s",
                .segment(rung, try #require(TimedSegmentName("240p300kbps_video-3-t540000.m4s")))
            ),
            (
                "/live/streams/s1/source_audio-3-t0.m4s",
                .segment(try Self.stream("s1"), try #require(TimedSegmentName("source_audio-3-t0.m4s")))
            ),
            ("/live/streams/s1/source_audio-3-t01.m4s", .unknown),
            ("/live/streams/s1_adaptive.m3u8", .multivariantPlaylist(try Self.stream("s1"))),
            ("/live/streams/s1_240p300kbps.m3u8", .mediaPlaylist(rung)),
            ("/live/streams/s1/240p300kbps-7-12.m4s", .object(rung, try #require(ObjectName("240p300kbps-7-12.m4s")))),
            (
                "/live/streams/s1/source-7-12.m4s",
                .object(try Self.stream("s1"), try #require(ObjectName("source-7-12.m4s")))
            ),
            ("/live/streams/a.b.flv", .httpFLV(try Self.stream("a.b"))),
            (
                "/live/streams/s1/v0-7-12.m4s",
                .object(try Self.stream("s1"), try #require(ObjectName("v0-7-12.m4s")))
            ),
            ("/live/streams/s1/", .unknown),
            ("/live/whip/s1", .webRTC(try Self.stream("s1"), .whip)),
            ("/live/whep/s1", .webRTC(try Self.stream("s1"), .whep)),
            ("/live/whep/s1/edge1.00ff", .webRTCSession(try Self.stream("s1"), .whep, name: "edge1.00ff")),
            ("/live/whep/s1/edge1.00ff/x", .unknown),
            ("/live/whep", .unknown),
            ("/live/websocket", .webSocket(app: "live")),
            ("/live/websocket/s1", .unknown),
            ("/live/play.html", .playerPage),
            ("/live/streams/s1-20261121T120000000.mp4", .recording(app: "live", name: "s1-20261121T120000000")),
            ("/live/previews/s1.jpg", .preview(try Self.stream("s1"))),
            ("/live/previews/s1.png", .unknown),
            ("/live/streams/s1.txt", .unknown),
            ("/live/streams/s1", .unknown),
            ("/live/s1.flv", .unknown),
            ("/live/streams/s1/a/b", .unknown),
            ("/live", .unknown),
            ("", .unknown),
            ("live/streams/s1.flv", .unknown),
            ("*", .unknown),
        ]
        for (path, route) in table { #expect(MediaRoute(path: path[...]) == route, "\(path)") }
    }

    @Test(arguments: [
        "/live/streams/.flv", "/live/streams/.hidden.flv", "/li ve/streams/s1.flv", "/live/streams/s%31.flv",
        "/metrics/streams/s1.flv", "//streams/s1.flv", "/live/streams/s1.flv.m3u8", "/live/streams/../v0-7-12.m4s",
    ])
    func `A name the cluster does not serve is told apart from an unknown path`(path: String) {
        guard case .badName = MediaRoute(path: path[...]) else {
            Issue.record("\(path) became \(MediaRoute(path: path[...]))")
            return
        }
    }

    @Test(
        arguments: [
            ("", nil, BlockingReload()),
            ("token=abc", "abc", BlockingReload()),
            ("a=1&token=x=y&token=z", "x=y", BlockingReload()),
            ("token=", "", BlockingReload()),
            ("token=a%22b%2B%3D", "a\"b+=", BlockingReload()),
            ("_HLS_msn=5&x=1&_HLS_part=2", nil, BlockingReload(sequence: 5, part: 2)),
            ("&&_HLS_skip=YES&_HLS_msns=4&_HLS_skips=v2", nil, BlockingReload(skip: true)),
        ] as [(String, String?, BlockingReload)]
    )
    func `A query is read for its token and directives only`(query: String, token: String?, reload: BlockingReload) {
        let read = MediaQuery(query[...])
        #expect(read.token == token)
        #expect(read.reload == .success(reload))
    }
}
