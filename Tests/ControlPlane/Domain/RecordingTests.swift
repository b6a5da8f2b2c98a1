import ClusterModel
import Domain
import Testing
import Timebase

@Suite struct RecordingTests {
    private let recording = RecordingResource(
        app: "live",
        id: "s1",
        name: "s1-20261121T120000000",
        nodeId: "origin1",
        startedAt: WallTime(milliseconds: 1_700_000_000_000),
        duration: 8,
        bytes: 1000
    )
    private var key: String { recording.recordKey }

    /// What the node says once it has removed the file.
    private var gone: RecordingResource {
        var gone = recording
        (gone.isOnNode, gone.duration, gone.bytes) = (false, 0, 0)
        return gone
    }

    private func cluster(_ recording: RecordingResource) throws -> Dialogue {
        var cluster = Dialogue()
        for node in ["origin1", "origin2"] { try cluster.register(node, role: .origin) }
        _ = try cluster.settle(try cluster.state.decidePut(recording: recording))
        return cluster
    }

    private func unwanted(_ node: String, in cluster: Dialogue) throws -> [String]? {
        try cluster.state.answer(
            to: Heartbeat(bootId: "boot1", load: NodeLoad()),
            of: node,
            revision: 1,
            at: cluster.now
        )
        .unwantedRecordings
    }

    @Test(arguments: [nil, "s3://bucket/live/s1.mp4"])
    func `the node that has a deleted recording is told until it says that the file is gone`(copy: String?) throws {
        var copied = recording
        copied.storedAt = copy
        var cluster = try cluster(copied)
        #expect(try unwanted("origin1", in: cluster) == nil)
        let left = try cluster.settle(try cluster.state.decideForget(recording: key))
        #expect(left?.isUnwanted == true)
        #expect(cluster.state.remover(copied, left) == "origin1")
        // Asked for once more: the same, without another write.
        guard case .answer(let again) = try cluster.state.decideForget(recording: key) else {
            Issue.record("a second deletion writes")
            return
        }
        #expect(again == left)
        #expect(try unwanted("origin1", in: cluster) == [key])
        #expect(try unwanted("origin2", in: cluster) == nil)
        // A restarted node tells of its files before it hears of this.
        _ = try cluster.settle(try cluster.state.decidePut(recording: recording))
        #expect(try unwanted("origin1", in: cluster) == [key])
        _ = try cluster.settle(try cluster.state.decidePut(recording: gone))
        #expect(cluster.state.recordings.isEmpty)
        #expect(try unwanted("origin1", in: cluster) == nil)
    }

    @Test func `a copy of a file that its node removed by itself stays known until it is deleted`() throws {
        var copied = recording
        copied.storedAt = "s3://bucket/live/s1.mp4"
        var cluster = try cluster(copied)
        _ = try cluster.settle(try cluster.state.decidePut(recording: gone))
        #expect(cluster.state.recordings[key]?.body.duration == 8)
        #expect(try cluster.settle(try cluster.state.decideForget(recording: key)) == nil)
        #expect(cluster.state.recordings.isEmpty)
    }

    @Test func `a recording of a node that was forgotten is forgotten at once`() throws {
        var lost = recording
        lost.nodeId = "origin9"
        var cluster = try cluster(lost)
        #expect(try cluster.settle(try cluster.state.decideForget(recording: key)) == nil)
        #expect(cluster.state.recordings.isEmpty)
        #expect(throws: Problem.self) { try cluster.state.decideForget(recording: key) }
    }
}
