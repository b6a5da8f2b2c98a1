import ClusterHarness
import ClusterModel
import Foundation
import Testing

/// Relay links that are cut, slow or lossy, between nodes in namespaces of their own.
@Suite(.serialized) struct NetworkTests {
    /// An origin, an edge that pulls from it, and one in another group that is to be left in peace.
    private struct Scene {
        let network: Network
        let cluster: Cluster
        let origin: WorkerHandle
        let edge: WorkerHandle
        let other: WorkerHandle
        let publisher: Publisher
    }

    private func scene(otherGroup: String = "region3", bitRate: Int = 600) async throws -> Scene {
        let network = try Network(["origin1", "edge1", "edge2"])
        let cluster = try await Cluster.start(on: .sqlite, network: network)
        let origin = try await cluster.startWorker("origin1", .origin, group: "region1")
        let edge = try await cluster.startWorker("edge1", .edge, group: "region2")
        let other = try await cluster.startWorker("edge2", .edge, group: otherGroup)
        let publisher = cluster.keepPublishing(
            clip: try cluster.makeClip(kilobits: bitRate),
            at: origin.rtmp("live/s1")
        )
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        return Scene(
            network: network,
            cluster: cluster,
            origin: origin,
            edge: edge,
            other: other,
            publisher: publisher
        )
    }

    @Test func `a worker that was told nothing but the token finds the control plane on its network`() async throws {
        let network = try Network(["origin1"])
        let cluster = try await Cluster.start(on: .sqlite, network: network)
        let origin = try await cluster.startWorker("origin1", .origin, discoversControl: true)
        let publisher = cluster.keepPublishing(clip: try cluster.makeClip(), at: origin.rtmp("live/s1"))
        try await cluster.waitForOrigin(of: "live/s1", "origin1")
        publisher.move(to: nil)
    }

    @Test func `a relay link that was cut is used again, and the player there never noticed but for the gap`()
        async throws
    {
        let scene = try await scene()
        let player = Witness.httpFLV(scene.edge.media("live/s1", ".flv"))
        try await player.waitForMore()
        // From all others: else one of them would give it the stream.
        for other in ["origin1", "edge2"] { try scene.network.set(other, "edge1", .cut) }
        let cutAt = ContinuousClock.now
        try await eventually("the edge has lost its parent\n\(scene.cluster.logs)") {
            player.longestGap(since: cutAt) > .seconds(5)
        }
        for other in ["origin1", "edge2"] { try scene.network.set(other, "edge1", .whole) }
        try await player.waitForMore(50)
        #expect(player.connections == 1 && !player.hasEnded && player.stepsBack.isEmpty)
        #expect(scene.publisher.begun.count == 1)
    }

    @Test func `two nodes that cannot reach each other find a way through a third`() async throws {
        let scene = try await scene(otherGroup: "region2")
        // The first one becomes the secondary origin, from which the other pulls.
        var players: [Witness] = []
        for edge in [scene.edge, scene.other] {
            let player = Witness.httpFLV(edge.media("live/s1", ".flv"))
            try await player.waitForMore()
            players.append(player)
        }
        try await scene.cluster.waitForTree(of: "live/s1", ["edge1": "origin1", "edge2": "edge1"])

        try scene.network.set("origin1", "edge1", .cut)
        let cutAt = ContinuousClock.now
        try await scene.cluster.waitForTree(of: "live/s1", ["edge1": "edge2", "edge2": "origin1"])
        for player in players {
            try await player.waitForMore(50)
            #expect(player.connections == 1 && !player.hasEnded && player.stepsBack.isEmpty, "\(player.name)")
        }
        // Three seconds of silence show a parent dead.
        #expect(players.allSatisfy { $0.longestGap(since: cutAt) < .seconds(8) })
        #expect(scene.publisher.begun.count == 1)
    }

    @Test func `behind a link slower than the stream players skip to keyframes, and nobody else is disturbed`()
        async throws
    {
        let scene = try await scene(bitRate: 3000)
        let slow = Witness.httpFLV(scene.edge.media("live/s1", ".flv"))
        let fast = Witness.httpFLV(scene.other.media("live/s1", ".flv"))
        try await slow.waitForMore()
        try await fast.waitForMore()
        let memoryBefore = try residentKiB(scene.origin.process.pid)

        let lateness = Lateness()
        let begin = ContinuousClock.now
        for other in ["origin1", "edge2"] { try scene.network.set(other, "edge1", .slow(kilobits: 1000)) }
        // Ten megabytes more than the link carries, if it ran on: nothing may keep them.
        try await eventually("forty seconds of the stream have been sent", within: .seconds(90)) {
            fast.sightings.last { $0.at > begin }.map { $0.at - begin > .seconds(40) } ?? false
        }
        let grown = try residentKiB(scene.origin.process.pid) - memoryBefore
        #expect(grown < 8 * 1024, "the origin grew by \(grown) KiB")
        let (behind, ahead) = (slow.sightings.last?.position ?? 0, fast.sightings.last?.position ?? 0)
        #expect(ahead - behind < 15, "the player behind the slow link is at \(behind) s of \(ahead)")
        #expect(skips(in: slow, since: begin) > 0, "frames were left out")
        #expect(slow.connections == 1 && !slow.hasEnded && slow.stepsBack.isEmpty)
        #expect(fast.longestGap(since: begin) < .seconds(1) + lateness.allowance(since: begin))
        #expect(skips(in: fast, since: begin) == 0)

        for other in ["origin1", "edge2"] { try scene.network.set(other, "edge1", .whole) }
        try await eventually("the player has caught up\n\(scene.cluster.logs)") {
            (fast.sightings.last?.position ?? 0) - (slow.sightings.last?.position ?? 0) < 2
        }
    }

    @Test func `a link that loses a packet in twenty delivers every frame`() async throws {
        let scene = try await scene()
        try scene.network.set("origin1", "edge1", .lossy(percent: 5, delayMilliseconds: 10))
        let player = Witness.httpFLV(scene.edge.media("live/s1", ".flv"))
        let begin = ContinuousClock.now
        try await player.waitForMore(500, within: .seconds(60))
        #expect(skips(in: player, since: begin) == 0)
        #expect(player.connections == 1 && !player.hasEnded && player.stepsBack.isEmpty)
    }

    /// How often more than two frames of 40 ms are missing.
    private func skips(in player: Witness, since begin: ContinuousClock.Instant) -> Int {
        let positions = player.sightings.filter { $0.at > begin }.map(\.position)
        return zip(positions, positions.dropFirst()).count { $1 - $0 > 0.12 }
    }

    private func residentKiB(_ pid: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
