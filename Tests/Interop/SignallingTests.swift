import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// WHIP's and WHEP's words over HTTP, as RFC 9725 §4.3 has them. No media comes of these sessions.
@Suite(.serialized) struct SignallingTests {
    private static let fragmentType = "application/trickle-ice-sdpfrag"
    private static let offer = SourceTree.root.appending(path: "Tests/Fuzz/Corpus/sdp/chromium-play")

    private struct Session {
        let cluster: Cluster
        let node: WorkerHandle
        let publisher: Child
        let url: String
        let tag: String

        /// A player's, whose offer is a browser's of long ago.
        init() async throws {
            cluster = try await Cluster.start(on: .sqlite)
            node = try await cluster.startWorker(
                "node1",
                .hybrid,
                arguments: ["--ice-servers", "turn:user:pass@turn.example.org:3478"]
            )
            publisher = try cluster.publish("live/s1", to: node)
            try await cluster.waitForOrigin(of: "live/s1", "node1")
            let answer = try http(
                node.http("/live/whep/s1"),
                method: "POST",
                body: String(contentsOf: SignallingTests.offer, encoding: .utf8),
                type: "application/sdp"
            )
            try #require(answer.status == 201, "\(answer)\n\(cluster.logs)")
            #expect(answer.headers["accept-patch"] == SignallingTests.fragmentType)
            // RFC 9725 §4.6.
            let link = #"<turn:turn.example.org:3478>; rel="ice-server"; username="user"; credential="pass"; "#
            #expect(answer.headers["link"] == link + #"credential-type="password""#)
            url = node.http(try #require(answer.headers["location"]))
            tag = try #require(answer.headers["etag"])
        }

        func patch(
            _ lines: [String],
            ifMatch: String?,
            type: String = SignallingTests.fragmentType
        ) throws -> HTTPAnswer {
            let body = (lines + ["m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0"]).joined(separator: "\r\n") + "\r\n"
            return try http(url, method: "PATCH", body: body, type: type, ifMatch: ifMatch)
        }
    }

    private static let candidates = ["a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1"]

    @Test func `candidates that come later are taken with the session's ETag only`() async throws {
        let session = try await Session()
        let taken = try session.patch(Self.candidates, ifMatch: session.tag)
        #expect(taken.status == 204 && taken.headers["etag"] == session.tag, "\(taken)")
        #expect(try session.patch(Self.candidates, ifMatch: "\"other\", \(session.tag)").status == 204)
        #expect(try session.patch(Self.candidates, ifMatch: nil).status == 428)
        #expect(try session.patch(Self.candidates, ifMatch: "\"other\"").status == 412)
        #expect(try session.patch(Self.candidates, ifMatch: session.tag, type: "application/sdp").status == 415)
        #expect(try session.patch(["candidate"], ifMatch: session.tag).status == 400)
    }

    @Test func `a restart answers with new credentials and a new ETag, and the old one counts no more`() async throws {
        let session = try await Session()
        let restarted = try session.patch(Self.candidates, ifMatch: "*")
        #expect(restarted.status == 200 && restarted.headers["content-type"] == Self.fragmentType, "\(restarted)")
        let lines = String(decoding: restarted.body, as: UTF8.self).split(whereSeparator: \.isNewline)
        for start in ["a=ice-lite", "a=ice-ufrag:", "a=ice-pwd:", "a=mid:0", "a=candidate:", "a=end-of-candidates"] {
            #expect(lines.contains { $0.hasPrefix(start) }, "\(start) in \(lines)")
        }
        let tag = try #require(restarted.headers["etag"])
        #expect(tag != session.tag)
        #expect(try session.patch(Self.candidates, ifMatch: session.tag).status == 412)
        #expect(try session.patch(Self.candidates, ifMatch: tag).status == 204)
        #expect(try session.patch([], ifMatch: "*").status == 400)
    }

    @Test func `a session that was ended is there no more, and what its address cannot do is told`() async throws {
        let session = try await Session()
        let get = try http(session.url)
        #expect(get.status == 405 && get.headers["allow"]?.contains("PATCH") == true, "\(get)")
        #expect(try http(session.url, method: "DELETE").status == 200)
        try await eventually("the session is gone") {
            try session.patch(Self.candidates, ifMatch: session.tag).status == 404
        }
        #expect(try http(session.url, method: "DELETE").status == 404)
    }

    @Test func `of offers from one address 250 wait for nobody, and who watches notices nothing`() async throws {
        let session = try await Session()
        let watching = try session.cluster.launch(
            "viewers",
            SourceTree.program("millrace"),
            [
                "bench", "play", "--protocol", "whep", "--url", session.node.http("/live/whep/s1"), "--viewers", "3",
                "--seconds", "5", "--warm-up", "0",
            ]
        )
        try await eventually("the viewers play\n\(session.cluster.logs)") { watching.log.contains("3 of 3") }
        let flood = try run(
            [
                "curl", "--no-progress-meter", "-Z", "--parallel-max", "20", "-o", "/dev/null", "-w", "%{http_code}\n",
                "-H",
                "Content-Type: application/sdp", "--data-binary", "@" + Self.offer.path,
                session.node.http("/live/whep/s1?number=[1-1100]"),
            ],
            seconds: 60
        )
        let answers = Dictionary(grouping: flood.output.split(separator: "\n")) { $0 }.mapValues(\.count)
        // Places come free once the first have waited for half a minute.
        #expect((240...250).contains(answers["201"] ?? 0), "\(answers)\n\(session.cluster.logs)")
        #expect(answers.count == 2, "\(answers)")
        #expect(watching.waitForEnd() == 0, "\(session.cluster.logs)")
        let metrics = try String(decoding: http(session.node.http("/metrics")).body, as: UTF8.self)
        let refused = metrics.split(separator: "\n").filter { $0.contains("webrtc") && $0.contains("overloaded") }
        #expect(refused.count == 1, "\(refused)")
        #expect(session.publisher.isRunning)
    }

    @Test func `a full node answers a new player with 503 and when to come again`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid, arguments: ["--max-viewers", "0"])
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        let text = try String(contentsOf: Self.offer, encoding: .utf8)
        try await eventually("the node notices that it is full\n\(cluster.logs)") {
            let answer = try http(node.http("/live/whep/s1"), method: "POST", body: text, type: "application/sdp")
            return answer.status == 503 && answer.headers["retry-after"].flatMap { Int($0) } ?? 0 > 0
        }
        // Of a hybrid only this is full, and the cluster knows.
        let ready = try http(node.http("/readyz"))
        #expect(ready.status == 200, "\(ready)")
        #expect(String(decoding: ready.body, as: UTF8.self).contains("full for players: 0 of 0 viewers"))
        try await eventually("players are sent elsewhere\n\(cluster.logs)") {
            try http(cluster.controlURL + "/v1/assign/play?app=live&id=s1", bearer: Cluster.adminToken).status == 503
        }
        let assigned = try http(cluster.controlURL + "/v1/assign/publish?app=live&id=s2", bearer: Cluster.adminToken)
        let publish: Assignment = try assigned.json()
        #expect(publish.nodeId == "node1")
        #expect(publisher.isRunning)
    }
}
