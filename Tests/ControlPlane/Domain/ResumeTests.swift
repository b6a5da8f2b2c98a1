import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct ResumeTests {
    private let reported = StreamPosition(sequence: 50, discontinuity: 2, mediaTime: 100)

    private func owned() throws -> (Dialogue, ClaimGrant) {
        var cluster = Dialogue()
        try cluster.register("origin1")
        try cluster.register("origin2")
        let grant = try cluster.claim("origin1")
        return (cluster, grant)
    }

    @Test func `a successor continues behind all that can have been sent since the last heartbeat`() throws {
        var (cluster, grant) = try owned()
        try cluster.beat("origin1", holds: [cluster.hold(grant.epoch, next: reported)])
        cluster.pass(.milliseconds(4_500))
        cluster.state.watchClosed(by: "origin1", boot: "boot1", at: cluster.now)
        cluster.pass(.milliseconds(500))
        // 5 s since the heartbeat, segments of 2 s: 3 begun and one more; 1 s of margin on the timeline.
        #expect(try cluster.claim("origin2").resume == StreamPosition(sequence: 54, discontinuity: 3, mediaTime: 106))
    }

    @Test func `a new boot's lease does not lose where the old boot's stream was`() throws {
        var (cluster, grant) = try owned()
        try cluster.beat("origin1", holds: [cluster.hold(grant.epoch, next: reported)])
        cluster.pass(.seconds(2))
        try cluster.register("origin1", boot: "boot2")
        #expect(try cluster.claim("origin2").resume == StreamPosition(sequence: 52, discontinuity: 3, mediaTime: 103))
    }

    @Test func `without a heartbeat the whole life of the epoch is counted`() throws {
        var (cluster, _) = try owned()
        cluster.pass(.seconds(10))
        try cluster.register("origin1", boot: "boot2")
        #expect(try cluster.claim("origin2").resume == StreamPosition(sequence: 6, discontinuity: 1, mediaTime: 11))
    }

    @Test func `a release says exactly where the stream goes on`() throws {
        var (cluster, grant) = try owned()
        try cluster.release("origin1", epoch: grant.epoch, .draining, next: reported)
        cluster.pass(.seconds(5))
        #expect(cluster.status == .interrupted)
        #expect(try cluster.claim("origin2").resume == reported)
    }

    @Test func `positions grow over any number of owners`() throws {
        var (cluster, grant) = try owned()
        var last = StreamPosition(sequence: 0, discontinuity: 0, mediaTime: 0)
        for turn in 2...6 {
            cluster.pass(.seconds(3))
            try cluster.register("origin1", boot: "boot\(turn)")
            let next = try cluster.claim("origin1", boot: "boot\(turn)", claim: "claim\(turn)")
            let resume = try #require(next.resume)
            #expect(resume.sequence > last.sequence && resume.discontinuity > last.discontinuity)
            #expect(resume.mediaTime > last.mediaTime && next.epoch > grant.epoch)
            (last, grant) = (resume, next)
        }
    }

    @Test func `a stream that finished and cannot be read any more begins at zero`() throws {
        var (cluster, grant) = try owned()
        try cluster.release("origin1", epoch: grant.epoch, next: reported)
        cluster.pass(.seconds(61))
        try cluster.beat("origin2")
        #expect(try cluster.claim("origin2").resume == nil)
    }
}
