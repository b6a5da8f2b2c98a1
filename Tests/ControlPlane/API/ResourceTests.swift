import ClusterModel
import Foundation
import HTTPTypes
import Testing
import Timebase

@Suite struct ResourceTests {
    @Test func `a node is registered, beats, is listed, and leaves`() async throws {
        try await TestCluster().test { api in
            let registered: NodeRegistered = try await api.register("edge1").decode()
            #expect(registered.state == .alive && registered.leaseSeconds == 20 && registered.heartbeatSeconds == 5)
            #expect(try await api.beat("edge1").decode(HeartbeatAnswer.self).lost.isEmpty)
            let node: NodeResource = try await api.call(.get, "/v1/nodes/edge1").decode()
            #expect(node.group == "region1" && node.lastHeartbeatAt == ManualTime.start)
            #expect(try await api.call(.delete, "/v1/nodes/edge1").status == 204)
            #expect(try await api.call(.get, "/v1/nodes/edge1").status == 404)
            #expect(try await api.beat("edge1").status == 404)
        }
    }

    @Test func `an older boot's heartbeat is told that it is superseded`() async throws {
        try await TestCluster().test { api in
            try await api.register("edge1")
            try await api.register("edge1", boot: "boot2")
            let answer = try await api.beat("edge1", boot: "boot1")
            #expect(answer.status == 409 && answer.problem?.kind == .superseded)
            #expect(try await api.beat("edge1", boot: "boot2").status == 200)
        }
    }

    @Test func `pages put together are the whole list, filtered`() async throws {
        try await TestCluster().test { api in
            for number in 0..<7 {
                try await api.register("n\(number)", role: number == 3 ? .edge : .origin)
            }
            var names: [String] = []
            var cursor = ""
            repeat {
                let page: Page<NodeResource> = try await api.call(.get, "/v1/nodes?limit=2&role=origin\(cursor)")
                    .decode()
                names += page.items.map(\.nodeId)
                cursor = page.nextCursor.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(names == ["n0", "n1", "n2", "n4", "n5", "n6"])
            for query in ["limit=0", "limit=1001", "limit=x", "cursor=%25", "role=boss", "state=ill"] {
                #expect(try await api.call(.get, "/v1/nodes?\(query)").problem?.kind == .badRequest, "\(query)")
            }
        }
    }

    @Test func `If-Match guards every change by the revision in ETag`() async throws {
        try await TestCluster().test { api in
            let path = "/v1/apps/live"
            #expect(try await api.call(.get, path).headers[.eTag] == "\"0\"")
            let made = try await api.call(.put, path, #"{"pullLinger":3}"#, headers: [.ifMatch: "\"0\""])
            #expect(made.status == 201 && made.headers[.eTag] == "\"1\"")
            for (tag, status) in [("\"0\"", 412), ("nonsense", 412), ("*", 200), ("\"7\", \"2\"", 200)] {
                let answer = try await api.call(
                    .put,
                    path,
                    "{\"pullLinger\":\(tag.count)}",
                    headers: [.ifMatch: tag]
                )
                #expect(answer.status == status, "\(tag)")
            }
            #expect(try await api.call(.delete, path, headers: [.ifMatch: "\"1\""]).status == 412)
            #expect(try await api.call(.delete, path, headers: [.ifMatch: "\"3\""]).status == 204)
            #expect(try await api.call(.get, path).headers[.eTag] == "\"0\"")
        }
    }

    @Test(
        arguments: [
            ("", "The body is empty; a JSON object is expected."),
            ("{", "The body is not valid JSON."),
            ("[]", "The field '' has the wrong type."),
            (#"{"role":"edge"}"#, "The field 'bootId' is missing."),
            (
                #"{"bootId":"b","role":"boss","group":"g","version":"1","addresses":{"host":"h"}}"#,
                "The value of 'role' is not allowed: it is one of origin, edge, hybrid."
            ),
            (
                #"{"bootId":"b","role":"edge","group":"g","version":"1","addresses":{"host":"h","relay":70000}}"#,
                "addresses.relay is 70000; allowed is 1 to 65535, or leave it out when the listener is off"
            ),
        ]
    )
    func `a body that cannot be right is refused with the place`(body: String, detail: String) async throws {
        try await TestCluster().test { api in
            let problem = try await api.call(.put, "/v1/nodes/edge1", body).problem
            #expect(problem?.detail == detail)
            #expect(problem?.status == 400 || problem?.status == 422)
        }
    }

    @Test func `a body larger than the limit is refused`() async throws {
        try await TestCluster().test { api in
            let body = String(repeating: " ", count: (4 << 20) + 1)
            let answer = try await api.call(.put, "/v1/apps/live", body)
            #expect(answer.problem?.status == 413)
        }
    }

    @Test func `names outside the rules are refused with the rule`() async throws {
        try await TestCluster().test { api in
            for path in ["/v1/streams/v1/s1", "/v1/streams/live/s1.m3u8", "/v1/nodes/.hidden", "/v1/apps/a%20b"] {
                let answer = try await api.call(.get, path)
                #expect(answer.problem?.kind == .badName, "\(path)")
            }
        }
    }

    @Test func `a stream is claimed, routed and assigned over REST`() async throws {
        try await TestCluster().test { api in
            try await api.register("origin1", role: .origin)
            try await api.register("edge21", role: .edge, group: "region2")
            let grant: ClaimGrant = try await api.claim("origin1").decode()
            let stream: StreamResource = try await api.call(.get, "/v1/streams/live/s1").decode()
            #expect(stream.status == .broadcasting && stream.originNodeId == "origin1" && stream.epoch == grant.epoch)
            let request = RouteRequest(nodeId: "edge21", bootId: "boot1")
            let route: RouteAnswer = try await api.call(.post, "/v1/streams/live/s1/route", json: request).decode()
            #expect(route.secondaryForGroup && route.parent.nodeId == "origin1")
            let ticket = try RelayTicket.verify(
                route.ticket,
                for: StreamID(app: "live", id: "s1"),
                with: RelayKey(nodeToken: TestCluster.nodeToken),
                at: api.cluster.time.wall
            )
            #expect(ticket.child == "edge21")
            let play: Assignment = try await api.call(.get, "/v1/assign/play?app=live&id=s1").decode()
            #expect(play.nodeId == "edge21" && play.explain == nil)
            let release = ReleaseRequest(nodeId: "origin1", bootId: "boot1", epoch: grant.epoch, reason: .unpublished)
            #expect(try await api.call(.post, "/v1/streams/live/s1/release", json: release).status == 204)
            let page: Page<StreamResource> = try await api.call(.get, "/v1/streams?status=finished").decode()
            #expect(page.items.map(\.id) == ["s1"])
        }
    }
}
