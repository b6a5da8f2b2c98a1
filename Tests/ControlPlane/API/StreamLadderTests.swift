import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Testing

@Suite struct StreamLadderTests {
    private static let rung = EncoderSetting(height: 240, videoBitrate: 300_000, audioBitrate: 64_000)
    private static let wish = #"{"encoderSettings":[{"height":240,"videoBitrate":300000,"audioBitrate":64000}]}"#

    @Test func `a stream's own ladder is told to its owner, to those who pull it, and to whoever asks`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("origin1", role: .origin)
            try await api.register("edge1", role: .edge)
            let made: StreamResource = try await api.call(.put, "/v1/streams/live/s1", Self.wish).decode()
            #expect(made.encoderSettings == [Self.rung])
            let grant: ClaimGrant = try await api.claim("origin1").decode()
            #expect(grant.encoderSettings == [Self.rung] && grant.appSettings.ladder.isEmpty)
            let route: RouteAnswer = try await api.call(
                .post,
                "/v1/streams/live/s1/route",
                json: RouteRequest(nodeId: "edge1", bootId: "boot1")
            ).decode()
            #expect(route.encoderSettings == [Self.rung])
        }
    }

    @Test func `a change reaches the nodes that have the stream`() async throws {
        let stream = try StreamID(app: "live", id: "s1")
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("origin1", role: .origin)
            _ = try await api.claim("origin1")
            for (body, ladder) in [
                (Self.wish, [Self.rung]), (#"{"ladderPreset":"mobile"}"#, LadderPreset.mobile.encoderSettings),
                (#"{"encoderSettings":[]}"#, []), ("{}", nil),
            ] {
                _ = try await api.call(.put, "/v1/streams/live/s1", body)
                let told = cluster.coordinator.read { state, now in state.streamChange(stream, at: now) }
                #expect(told?.encoderSettings == ladder, "\(body)")
            }
        }
    }

    @Test(arguments: [
        (#"{"encoderSettings":[{"height":241,"videoBitrate":300000}]}"#, "even number"),
        (#"{"ladderPreset":"huge"}"#, "it is one of none, mobile"),
    ])
    func `what is no ladder is refused`(body: String, word: String) async throws {
        try await TestCluster().test { api in
            let problem = try await api.call(.put, "/v1/streams/live/s1", body).problem
            #expect(problem?.detail.contains(word) == true, "\(String(describing: problem))")
        }
    }
}
