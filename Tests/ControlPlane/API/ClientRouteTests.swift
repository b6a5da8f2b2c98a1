import ClusterModel
import Foundation
import HTTPTypes
import Testing

/// The URLs a client may use at a control plane as if it were a worker.
@Suite struct ClientRouteTests {
    private func cluster(_ body: @Sendable (TestAPI) async throws -> Void) async throws {
        try await TestCluster().test { (api: TestAPI) async throws in
            for (id, role, group) in [
                ("o1", NodeRole.origin, "region1"), ("e.1", .edge, "region1"), ("e2", .edge, "region2"),
            ] {
                var addresses = NodeAddresses(host: "10.0.0.1", publicHost: "\(id).example.org")
                addresses.http = 5080
                addresses.https = id == "e2" ? 5443 : nil
                addresses.relay = 5000
                addresses.webrtc = id == "e.1" ? nil : 50000
                let registration = NodeRegistration(
                    bootId: "b",
                    role: role,
                    group: group,
                    version: "1",
                    addresses: addresses
                )
                #expect(try await api.call(.put, "/v1/nodes/\(id)", json: registration).status == 200)
            }
            try await body(api)
        }
    }

    @Test func `a client is sent on with path and query as they are, without a token, from any site`() async throws {
        let cases: [(HTTPRequest.Method, String, String)] = [
            (.get, "/live/streams/s1.m3u8?group=region1", "http://e.1.example.org:5080"),
            (.get, "/live/streams/s1_adaptive.m3u8?_HLS_msn=1&group=region2", "https://e2.example.org:5443"),
            (.get, "/live/streams/s1_720p2500kbps.m3u8?group=region2", "https://e2.example.org:5443"),
            (.head, "/live/streams/s1.flv?group=region1&token=a%2Fb", "http://e.1.example.org:5080"),
            (.get, "/live/streams/s1/720p-17-3.m4s?group=region2", "https://e2.example.org:5443"),
            (.get, "/live/streams/s1/s1.mpd?group=region2", "https://e2.example.org:5443"),
            (.post, "/live/whip/s1", "http://o1.example.org:5080"),
            (.post, "/live/whep/s1", "https://e2.example.org:5443"),
            (.patch, "/live/whep/s1/e.1.s3cret", "http://e.1.example.org:5080"),
            (.delete, "/live/whip/s1/o1.s3cret", "http://o1.example.org:5080"),
        ]
        try await cluster { (api: TestAPI) async throws in
            for (method, path, base) in cases {
                let answer = try await api.call(method, path, token: nil)
                #expect(answer.status == 307, "\(method) \(path)")
                #expect(answer.headers[.location] == base + path)
                #expect(answer.headers[.accessControlAllowOrigin] == "*")
            }
        }
    }

    @Test func `what cannot be sent on is refused, also to browsers of other sites`() async throws {
        let cases: [(HTTPRequest.Method, String, Int)] = [
            (.get, "/live/streams/s1.txt", 404),
            (.get, "/live/streams/.s1.m3u8", 400),
            (.get, "/live/streams/a_adaptive/x.m4s", 400),
            (.get, "/live/streams/s1/secret.txt", 404),
            (.get, "/live/streams/s1.m3u8?group=.x", 400),
            (.post, "/.live/whip/s1", 400),
            (.patch, "/live/whep/s1/nobody.s3cret", 404),
            (.patch, "/live/whep/s1/nodot", 404),
            (.get, "/live/endpoint?type=watch", 400),
        ]
        try await cluster { (api: TestAPI) async throws in
            for (method, path, status) in cases {
                let answer = try await api.call(method, path, token: nil)
                #expect(answer.status == status, "\(method) \(path)")
                #expect(answer.headers[.accessControlAllowOrigin] == "*", "\(method) \(path)")
            }
        }
    }

    @Test func `the API's own paths need their token as ever`() async throws {
        try await cluster { (api: TestAPI) async throws in
            for path in ["/v1/streams/s1.m3u8", "/v1/streams/s1/x.m4s", "/rest/streams/s1.m3u8", "/v1/endpoint"] {
                #expect(try await api.call(.get, path, token: nil).status == 401, "\(path)")
            }
            #expect(try await api.call(.get, "/v1/endpoint").status == 404)
            #expect(try await api.call(.get, "/v1/streams/live/s1").status == 404)
        }
    }

    @Test func `without a node the client is told to come again`() async throws {
        try await TestCluster().test { (api: TestAPI) async throws in
            let answer = try await api.call(.get, "/live/streams/s1.m3u8", token: nil)
            #expect(answer.status == 503 && answer.headers[.retryAfter] != nil)
            #expect(answer.headers[.accessControlAllowOrigin] == "*")
        }
    }

    @Test func `a preflight is answered with what a worker allows`() async throws {
        try await cluster { (api: TestAPI) async throws in
            for path in ["/live/streams/s1.m3u8", "/live/streams/s1/x.m4s", "/live/whip/s1", "/live/whep/s1/e2.x"] {
                let answer = try await api.call(.options, path, token: nil)
                #expect(answer.status == 204)
                #expect(answer.headers[.accessControlAllowHeaders]?.contains("If-Match") == true)
                #expect(answer.headers[.accessControlAllowMethods]?.contains("PATCH") == true)
            }
        }
    }

    @Test func `a browser SDK is given a node with WebRTC`() async throws {
        let cases = [
            ("/live/endpoint?source=sdk", "e2.example.org", "wss://e2.example.org:5443", "https://e2.example.org:5443"),
            (
                "/live/endpoint?source=sdk&id=s1&type=publish", "o1.example.org", "ws://o1.example.org:5080",
                "http://o1.example.org:5080"
            ),
        ]
        try await cluster { (api: TestAPI) async throws in
            for (path, host, socket, web) in cases {
                let answer = try await api.call(.get, path, token: nil)
                #expect(
                    try answer.decode([String: String].self) == [
                        "fqdn": host, "websocket_url": "\(socket)/live/websocket", "http_url": "\(web)/livez",
                    ]
                )
            }
        }
    }

    @Test func `assign is asked for one protocol`() async throws {
        try await cluster { (api: TestAPI) async throws in
            let path = "/v1/assign/play?app=live&id=s1&group=region1&protocol="
            #expect(try await api.call(.get, path + "webrtc").decode(Assignment.self).nodeId == "e2")
            #expect(try await api.call(.get, path + "hls").decode(Assignment.self).nodeId == "e.1")
            #expect(try await api.call(.get, path + "srt").status == 503)
            #expect(try await api.call(.get, path + "smoke").status == 400)
            #expect(try await api.call(.get, "/v1/assign/publish?app=live&id=s1&protocol=hls").status == 400)
        }
    }
}
