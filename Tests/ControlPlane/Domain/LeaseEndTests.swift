import ClusterModel
import Domain
import Testing
import Timebase

/// Nodes are looked at only when a lease can have ended; what is not looked at must not be missed.
@Suite struct LeaseEndTests {
    /// Node ids told dead, and streams told interrupted, by the next look.
    private static func look(_ cluster: inout Dialogue) throws -> Set<String> {
        var told: Set<String> = []
        for news in cluster.state.announceTimeouts(at: cluster.now) {
            switch news.event {
            case .node(let change) where change.state == .dead: told.insert(change.nodeId)
            case .stream(let change) where change.status == .interrupted: told.insert(change.id)
            default: break
            }
        }
        for write in cluster.state.sweep(at: cluster.now) { try cluster.apply(write) }
        return told
    }

    @Test func `a silent node is told dead and its stream interrupted, while others go on`() throws {
        var cluster = Dialogue()
        try cluster.register("node1")
        try cluster.register("node2")
        try cluster.claim("node1")
        _ = try Self.look(&cluster)
        var told: [Int: Set<String>] = [:]
        for second in 1...25 {
            cluster.pass(.seconds(1))
            try cluster.beat("node2")
            told[second] = try Self.look(&cluster)
        }
        #expect((1...20).allSatisfy { told[$0] == [] })
        #expect(told[21]?.contains("node1") == true)
        #expect(told[21]?.union(told[22] ?? []).contains(stream.id) == true)
        #expect((22...25).allSatisfy { told[$0]?.contains("node1") == false })
    }

    @Test func `a stream heard of after its owner died is interrupted too`() throws {
        var cluster = Dialogue()
        try cluster.register("node1")
        try cluster.claim("node1")
        let record = try #require(cluster.state.streams[stream])
        var late = Dialogue()
        try late.register("node1")
        late.pass(.seconds(21))
        _ = try Self.look(&late)
        let body = try RecordCoding.encode(record.body)
        try late.state.apply(
            Record(kind: .stream, key: stream.recordKey, revision: record.revision, body: body)
        )
        late.pass(.seconds(1))
        _ = try Self.look(&late)
        #expect(late.state.condition(of: stream, at: late.now)?.status == .interrupted)
        late.pass(.seconds(16))
        _ = try Self.look(&late)
        #expect(late.state.streams[stream]?.body.owner == nil)
    }

    @Test func `after a recovery the nodes that did not come back are dead`() throws {
        var cluster = Dialogue()
        try cluster.register("node1")
        cluster.pass(.seconds(60))
        cluster.state.beginRecovery(at: cluster.now)
        #expect(try Self.look(&cluster) == [])
        cluster.pass(.seconds(19))
        #expect(try Self.look(&cluster) == [])
        cluster.pass(.seconds(2))
        #expect(try Self.look(&cluster) == ["node1"])
    }
}
