import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Testing
import Timebase

@Suite struct WatchTests {
    private func next(_ watch: Watch, _ count: Int) async -> [WatchItem] {
        var items: [WatchItem] = []
        for await item in watch.items {
            items.append(item)
            if items.count == count { break }
        }
        return items
    }

    @Test func `a watch begins with a snapshot and goes on with changes`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("origin1")
            let watch = try cluster.coordinator.watch(since: nil, nodeID: "origin1", boot: nil)
            guard case .snapshot(let snapshot)? = watch.opening.first?.event else {
                Issue.record("no snapshot")
                return
            }
            #expect(snapshot.node?.state == .alive && snapshot.streams.isEmpty)
            let grant: ClaimGrant = try await api.claim("origin1").decode()
            let change = WatchEvent.StreamChange(
                app: "live",
                id: "s1",
                epoch: grant.epoch,
                status: .broadcasting,
                originNodeId: "origin1"
            )
            #expect(await next(watch, 1).map(\.event) == [.stream(change)])
            watch.close()
        }
    }

    @Test func `with a node's id only what concerns it is told`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            for node in ["origin1", "edge1", "edge2"] { try await api.register(node) }
            let watch = try cluster.coordinator.watch(since: nil, nodeID: "edge1", boot: nil)
            _ = try await api.claim("origin1")
            _ = try await api.claim("origin1", claim: "d", of: "live/s2")
            let request = RouteRequest(nodeId: "edge1", bootId: "boot1")
            _ = try await api.call(.post, "/v1/streams/live/s2/route", json: request)
            try await api.register("edge2", boot: "boot2")
            _ = try await api.call(.put, "/v1/apps/live", #"{"pullLinger":3}"#)
            try await api.register("origin1", boot: "boot2")
            await cluster.coordinator.sweep()
            let events = await next(watch, 2).map(\.event)
            guard case .app = events[0], case .stream(let change) = events[1] else {
                Issue.record("\(events)")
                return
            }
            #expect(change.id == "s2" && change.status == .interrupted && change.originNodeId == nil)
            watch.close()
        }
    }

    @Test func `a watcher that comes back gets exactly what it missed`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("edge1")
            let seen = cluster.coordinator.hub.revision
            _ = try await api.call(.put, "/v1/apps/live", #"{"pullLinger":3}"#)
            _ = try await api.call(.put, "/v1/apps/live", #"{"pullLinger":4}"#)
            let watch = try cluster.coordinator.watch(since: seen + 1, nodeID: "edge1", boot: nil)
            #expect(watch.opening.map(\.revision) == [seen + 2])
            for unknown in [seen + 3, seen - 1_000, 0] {
                let other = try cluster.coordinator.watch(since: unknown, nodeID: nil, boot: nil)
                guard case .snapshot? = other.opening.first?.event, other.opening.count == 1 else {
                    Issue.record("\(unknown) was never issued here")
                    return
                }
                other.close()
            }
            watch.close()
        }
    }

    @Test func `a watcher that falls too far behind is cut off, the others are not`() async throws {
        var limits = WatchLimits()
        limits.queueEventsMax = 3
        let cluster = try await TestCluster(watchLimits: limits)
        try await cluster.test { api in
            let slow = try cluster.coordinator.watch(since: nil, nodeID: nil, boot: nil)
            for linger in 1...5 { _ = try await api.call(.put, "/v1/apps/live", "{\"pullLinger\":\(linger)}") }
            var count = 0
            for await _ in slow.items { count += 1 }
            #expect(count == 3 && cluster.coordinator.hub.watchers == 0)
            slow.close()
        }
    }

    @Test func `events are sent in the form of Server-Sent Events until the process stops`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let answer = Task { try await api.call(.get, "/v1/watch?nodeId=edge1", token: TestCluster.nodeToken) }
            while cluster.coordinator.hub.watchers == 0 { await Task.yield() }
            cluster.coordinator.hub.close()
            let text = try await answer.value.text
            #expect(
                text == """
                    event: snapshot
                    id: 1000
                    data: {"apps":{},"parents":[],"streams":[]}


                    """
            )
            #expect(try await api.call(.get, "/v1/watch").status == 503)
        }
    }
}
