import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Synchronization
import Testing
import Timebase

@Suite struct HeldClaimTests {
    private func owned(_ api: TestAPI) async throws -> ClaimGrant {
        try await api.register("origin1")
        try await api.register("origin2")
        return try await api.claim("origin1").decode()
    }

    @Test func `an owner that is connected is refused at once, without asking its relay port`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            _ = try await owned(api)
            let watch = try cluster.coordinator.watch(since: nil, nodeID: "origin1", boot: "boot1")
            let answer = try await api.claim("origin2")
            #expect(answer.status == 409 && answer.problem?.kind == .streamInUse && answer.problem?.owner == "origin1")
            #expect(cluster.probed.withLock { $0.isEmpty } && cluster.time.now == MonotonicInstant(nanoseconds: 0))
            watch.close()
        }
    }

    @Test func `a publisher that is to stand by is accepted, and not granted the stream`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let old = try await owned(api)
            let watch = try cluster.coordinator.watch(since: nil, nodeID: "origin1", boot: "boot1")
            var settings = AppSettings()
            settings.secondPublisher = .standBy
            _ = try await cluster.coordinator.put(app: "live", settings, ifMatch: .any)
            let answer = try await api.claim("origin2", claim: "c2")
            #expect(answer.status == 202)
            let told: ClaimGrant = try answer.decode()
            #expect(told.standsByFor == "origin1" && told.epoch == old.epoch)
            watch.close()
            let granted = try await api.passing(.milliseconds(50)) { try await api.claim("origin2", claim: "c2") }
            #expect(granted.status == 201)
            #expect(try granted.decode(ClaimGrant.self).epoch > old.epoch)
        }
    }

    @Test func `a claim is granted 300 ms after the owner's watch closed`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let old = try await owned(api)
            try cluster.coordinator.watch(since: nil, nodeID: "origin1", boot: "boot1").close()
            let start = cluster.time.now
            let answer = try await api.passing(.milliseconds(50)) { try await api.claim("origin2") }
            #expect(try answer.decode(ClaimGrant.self).epoch > old.epoch)
            #expect(cluster.time.now - start > .milliseconds(300) && cluster.time.now - start < .seconds(1))
        }
    }

    @Test func `a relay port that answers proves the owner alive`() async throws {
        let cluster = try await TestCluster()
        cluster.answering.withLock { _ = $0.insert("origin1") }
        try await cluster.test { api in
            _ = try await owned(api)
            let answer = try await api.passing(.milliseconds(50)) { try await api.claim("origin2") }
            #expect(answer.status == 409)
            #expect(cluster.time.now < MonotonicInstant(nanoseconds: 0) + .seconds(5))
        }
    }

    @Test func `a silent owner whose relay port refuses is fenced as soon as its heartbeat is missed`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let old = try await owned(api)
            cluster.time.advance(by: .seconds(4))
            let start = cluster.time.now
            let answer = try await api.passing(.milliseconds(50)) { try await api.claim("origin2") }
            #expect(try answer.decode(ClaimGrant.self).epoch > old.epoch)
            let held = cluster.time.now - start
            #expect(held > .seconds(2) && held <= .seconds(4))
        }
    }

    @Test func `a claim is held no longer than 5 s`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            _ = try await owned(api)
            let answer = try await api.passing(.milliseconds(50)) { try await api.claim("origin2") }
            #expect(answer.status == 409)
            let held = cluster.time.now - MonotonicInstant(nanoseconds: 0)
            #expect(held >= .seconds(5) && held < .milliseconds(5_300))
        }
    }

    @Test func `a release lets the held claim in at once`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let old = try await owned(api)
            let next = StreamPosition(sequence: 9, discontinuity: 1, mediaTime: 18)
            let claimed = Task { try await api.claim("origin2") }
            while cluster.time.sleepers == 0 { await Task.yield() }
            let release = ReleaseRequest(
                nodeId: "origin1",
                bootId: "boot1",
                epoch: old.epoch,
                reason: .draining,
                next: next
            )
            #expect(try await api.call(.post, "/v1/streams/live/s1/release", json: release).status == 204)
            #expect(try await claimed.value.decode(ClaimGrant.self).resume == next)
            #expect(cluster.time.now == MonotonicInstant(nanoseconds: 0))
        }
    }

    @Test func `of many claims on a free stream exactly one is granted`() async throws {
        let cluster = try await TestCluster()
        cluster.answering.withLock { $0 = Set((0..<8).map { "n\($0)" }) }
        try await cluster.test { api in
            for number in 0..<8 { try await api.register("n\(number)") }
            let claims = (0..<8).map { number in Task { try await api.claim("n\(number)", claim: "c\(number)") } }
            var statuses: [Int] = []
            for claim in claims { statuses.append(try await claim.value.status) }
            #expect(statuses.sorted() == [201] + Array(repeating: 409, count: 7))
        }
    }
}
