import ClusterModel
import Coordination
import Crypto
import Domain
import Foundation
import HTTPTypes
import Logging
import Synchronization
import Testing
import Timebase
import Webhooks

@Suite struct WebhookTests {
    /// A receiver that remembers, and answers as it is told.
    private final class Receiver: Sendable {
        let requests = Mutex<[WebhookSender.Request]>([])
        let status = Mutex(200)

        @Sendable func take(_ request: WebhookSender.Request) async throws -> Int {
            requests.withLock { $0.append(request) }
            return status.withLock { $0 }
        }

        var types: [String] {
            requests.withLock { requests in
                requests.compactMap {
                    let body = try? JSONSerialization.jsonObject(with: Data($0.body)) as? [String: Any]
                    return body?["type"] as? String
                }
            }
        }
    }

    private static func sender(_ cluster: TestCluster, _ receiver: Receiver) -> WebhookSender {
        WebhookSender(
            coordinator: cluster.coordinator,
            clock: cluster.time.clock,
            logger: .init(label: "test"),
            transport: receiver.take
        )
    }

    private static func deliverAll(_ sender: WebhookSender) async { for _ in 0..<20 { await sender.step(waits: true) } }

    @Test func `events are signed as Standard Webhooks says`() async throws {
        let cluster = try await TestCluster()
        let receiver = Receiver()
        let sender = Self.sender(cluster, receiver)
        try await cluster.test { api in
            let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
            let made = try await api.call(.post, "/v1/webhooks", #"{"url":"https://e.org/h","secret":"\#(secret)"}"#)
            #expect(made.status == 201)
            try await api.register("node1")
            _ = try await api.claim("node1")
            // What waits behind a message that was taken goes at once.
            await sender.step(waits: true)
            #expect(receiver.types == ["node.joined", "stream.started"])
            let request = try #require(receiver.requests.withLock { $0.first })
            let headers = Dictionary(uniqueKeysWithValues: request.headers.map { ($0.name, $0.value) })
            let signed = "\(headers["webhook-id"] ?? "").\(headers["webhook-timestamp"] ?? "")."
            let key = SymmetricKey(data: try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
            let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8) + Data(request.body), using: key)
            #expect(headers["webhook-signature"] == "v1,\(Data(code).base64EncodedString())")
            #expect(headers["webhook-timestamp"] == "\(cluster.time.wall.milliseconds / 1000)")
        }
    }

    /// The specification's own example.
    @Test func `the signature is the one of the specification's example`() throws {
        let key = SymmetricKey(data: try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
        let signed = #"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#
        let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: key)
        #expect(Data(code).base64EncodedString() == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(WebhookSettings.key(of: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?.count == 24)
    }

    @Test func `a webhook gets only the types it asked for, and none twice`() async throws {
        let cluster = try await TestCluster()
        let receiver = Receiver()
        let sender = Self.sender(cluster, receiver)
        try await cluster.test { api in
            let body = #"{"url":"https://e.org/h","events":["node.left","stream.finished"]}"#
            _ = try await api.call(.post, "/v1/webhooks", body)
            try await api.register("node1")
            let grant: ClaimGrant = try await api.claim("node1").decode()
            let release = ReleaseRequest(nodeId: "node1", bootId: "boot1", epoch: grant.epoch, reason: .unpublished)
            _ = try await api.call(.post, "/v1/streams/live/s1/release", json: release)
            _ = try await api.call(.delete, "/v1/nodes/node1")
            await Self.deliverAll(sender)
            #expect(receiver.types == ["stream.finished", "node.left"])
        }
    }

    @Test func `each interruption of an epoch is told, and each return, once`() async throws {
        let cluster = try await TestCluster()
        let receiver = Receiver()
        let sender = Self.sender(cluster, receiver)
        try await cluster.test { api in
            _ = try await api.call(
                .post,
                "/v1/webhooks",
                #"{"url":"https://e.org/h","events":["stream.started","stream.interrupted"]}"#
            )
            try await api.register("node1")
            let grant: ClaimGrant = try await api.claim("node1").decode()
            for (isBroadcasting, interruptions) in [
                (true, nil), (false, 1), (false, 1), (true, 1), (false, 2), (true, 2),
            ] {
                var heartbeat = Heartbeat(bootId: "boot1", load: NodeLoad())
                heartbeat.holds = [Hold(app: "live", id: "s1", epoch: grant.epoch)]
                heartbeat.streams = [
                    StreamReport(
                        app: "live",
                        id: "s1",
                        epoch: grant.epoch,
                        viewers: ViewerCounts(),
                        isBroadcasting: isBroadcasting,
                        interruptions: interruptions
                    )
                ]
                _ = try await api.call(.post, "/v1/nodes/node1/heartbeat", json: heartbeat)
            }
            await Self.deliverAll(sender)
            let rounds = ["stream.interrupted", "stream.started"]
            #expect(receiver.types == ["stream.started"] + rounds + rounds)
        }
    }

    @Test func `a rendition that a node gave up is told once, however often the node says so`() async throws {
        let cluster = try await TestCluster()
        let receiver = Receiver()
        let sender = Self.sender(cluster, receiver)
        try await cluster.test { api in
            let body = #"{"url":"https://e.org/h","events":["rendition.givenUp"]}"#
            _ = try await api.call(.post, "/v1/webhooks", body)
            try await api.register("node1")
            var heartbeat = Heartbeat(bootId: "boot1", load: NodeLoad())
            for numbers in [[1], [1], [1, 2]] {
                heartbeat.renditionsGivenUp = numbers.map {
                    RenditionChange(app: "live", id: "s1", rendition: "720p2500kbps", number: $0)
                }
                let answer = try await api.call(.post, "/v1/nodes/node1/heartbeat", json: heartbeat)
                #expect(answer.status == 200)
            }
            await Self.deliverAll(sender)
            #expect(receiver.types == ["rendition.givenUp", "rendition.givenUp"])
            let text = receiver.requests.withLock { String(decoding: $0.first?.body ?? [], as: UTF8.self) }
            #expect(text.contains(#""rendition":"720p2500kbps""#) && text.contains(#""nodeId":"node1""#))
        }
    }

    @Test func `the secret is shown once, to the one who made the webhook`() async throws {
        try await TestCluster().test { api in
            let made: WebhookResource = try await api.call(.post, "/v1/webhooks", #"{"url":"http://e.org"}"#).decode()
            let secret = try #require(made.secret)
            #expect(WebhookSettings.key(of: secret)?.count == 32)
            for path in ["/v1/webhooks", "/v1/webhooks/\(made.id)"] {
                #expect(try await api.call(.get, path).text.contains("whsec_") == false)
            }
            let changed = try await api.call(.put, "/v1/webhooks/\(made.id)", #"{"url":"http://e.org/2"}"#)
            #expect(changed.status == 200 && !changed.text.contains("whsec_"))
            #expect(try await api.call(.get, "/v1/webhooks", token: TestCluster.nodeToken).status == 403)
            #expect(try await api.call(.delete, "/v1/webhooks/\(made.id)").status == 204)
            #expect(try await api.call(.get, "/v1/webhooks/\(made.id)").status == 404)
        }
    }

    @Test(arguments: [
        #"{"url":"ftp://e.org"}"#, #"{"url":"http://"}"#, #"{"url":"http://u:p@e.org"}"#,
        #"{"url":"http://e.org","secret":"short"}"#, #"{"url":"http://e .org"}"#,
        #"{"url":"http://e.org","events":[]}"#,
    ])
    func `settings that cannot be right are refused`(body: String) async throws {
        try await TestCluster().test { api in
            let answer = try await api.call(.post, "/v1/webhooks", body)
            #expect(answer.status == 422)
        }
    }

    @Test func `a receiver that is gone for good disables its webhook with the reason`() async throws {
        let cluster = try await TestCluster()
        let receiver = Receiver()
        receiver.status.withLock { $0 = 410 }
        let sender = Self.sender(cluster, receiver)
        try await cluster.test { api in
            let made: WebhookResource = try await api.call(.post, "/v1/webhooks", #"{"url":"http://e.org"}"#).decode()
            try await api.register("node1")
            await Self.deliverAll(sender)
            let shown: WebhookResource = try await api.call(.get, "/v1/webhooks/\(made.id)").decode()
            #expect(shown.disabledBecause == "the receiver answered 410 Gone")
            try await api.register("node2")
            await Self.deliverAll(sender)
            #expect(receiver.types == ["node.joined"])
        }
    }

    @Test func `of two control planes on one store one tells an event`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            _ = try await api.call(.post, "/v1/webhooks", #"{"url":"http://e.org"}"#)
            try await api.register("node1")
            let events = cluster.coordinator.events.take()
            #expect(events.map(\.type) == [.nodeJoined])
            #expect(try await cluster.coordinator.claimed(events).count == 1)
            #expect(try await cluster.coordinator.claimed(events).isEmpty)
        }
    }
}

@Suite struct DeliveryLineTests {
    private struct Half: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max / 2 }
    }

    private static func instant(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
    }

    @Test func `a failure is tried again after growing pauses, and given up at last`() {
        var line = DeliveryLine<Int>()
        var random = Half()
        _ = line.add(1)
        var now = Self.instant(0)
        var attempts = 0
        var pauses: [Duration] = []
        while line.count > 0, attempts < 100 {
            let begin = now
            while line.next(at: now) == nil { now = now + .seconds(1) }
            if attempts > 0 { pauses.append(now - begin) }
            attempts += 1
            let verdict = line.ended(.status(500), at: now, using: &random)
            #expect(verdict == (attempts < 10 ? .retry(attempts) : .gaveUp))
        }
        #expect(attempts == 10)
        #expect(
            pauses == pauses.sorted() && (pauses.first ?? .zero) < .seconds(6)
                && (pauses.last ?? .zero) > .seconds(3600)
        )
    }

    @Test func `messages go in order, one at a time`() {
        var line = DeliveryLine<Int>()
        var random = Half()
        for message in 1...3 { _ = line.add(message) }
        #expect(line.next(at: Self.instant(0)) == 1)
        #expect(line.next(at: Self.instant(0)) == nil)
        #expect(line.ended(.status(204), at: Self.instant(0), using: &random) == .delivered)
        #expect(line.next(at: Self.instant(0)) == 2)
        #expect(line.ended(.failed("no route"), at: Self.instant(0), using: &random) == .retry(1))
        #expect(line.next(at: Self.instant(1)) == nil)
        #expect(line.next(at: Self.instant(60)) == 2)
    }

    @Test func `too many waiting push out the oldest that is not under way`() {
        var limits = DeliveryLimits()
        limits.waitingMax = 2
        var line = DeliveryLine<Int>(limits: limits)
        #expect(line.add(1) && line.add(2))
        #expect(line.next(at: Self.instant(0)) == 1)
        #expect(line.add(3) == false)
        var random = Half()
        _ = line.ended(.status(200), at: Self.instant(0), using: &random)
        #expect(line.next(at: Self.instant(0)) == 3)
    }

    @Test func `three days without one success disable it`() {
        var line = DeliveryLine<Int>()
        var random = Half()
        for message in 1...50 { _ = line.add(message) }
        var now = Self.instant(0)
        var last = DeliveryLine<Int>.Verdict.delivered
        for _ in 0..<2000 {
            now = now + .seconds(600)
            guard line.next(at: now) != nil else { continue }
            last = line.ended(.failed("connection refused"), at: now, using: &random)
            if case .disable = last { break }
        }
        #expect(last == .disable("nothing was taken for 72 hours: connection refused"))
    }
}
