import ClusterModel
import Foundation
import Streams
import Synchronization
import Testing
import Worker

/// A worker that was restarted while the control plane is away.
@Suite(.timeLimit(.minutes(1))) struct KnownMapTests {
    private let stream: StreamID

    init() throws { stream = try StreamID(app: "live", id: "s1") }

    @Test func `a stream known from before is pulled from its last parent while nobody can be asked`() async throws {
        var known = KnownMap()
        known.remember(FakeControlPlane.route(epoch: 7, parent: "o2"), to: stream)
        let node = try TestNode(role: .edge, known: known)
        node.control.state.withLock { $0.isAway = true }
        let played = try await node.play()
        #expect(played.id == stream)
        #expect(node.puller.pulled.withLock { $0.map(\.parent.nodeId) } == ["o2"])
    }

    @Test func `once asked, the control plane's word counts and replaces what was known`() async throws {
        var known = KnownMap()
        known.remember(FakeControlPlane.route(epoch: 7, parent: "old"), to: stream)
        let node = try TestNode(role: .edge, known: known)
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 8, parent: "new") }
        _ = try await node.play()
        #expect(await node.coordinator.known.route(to: stream)?.parent.nodeId == "new")
    }

    @Test func `a stream that the control plane does not know is forgotten`() async throws {
        var known = KnownMap()
        known.remember(FakeControlPlane.route(epoch: 7), to: stream)
        let node = try TestNode(role: .edge, known: known)
        await #expect(throws: Refusal.unknownStream(stream)) { try await node.play() }
        #expect(await node.coordinator.known.routes.isEmpty)
    }

    @Test func `the map is found again, bounded, and a broken file is no map`() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "known-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let directory = try StateDirectory(path: path)
        #expect(directory.knownMap() == KnownMap())
        var map = KnownMap()
        for number in 0..<(KnownMap.routesMax + 5) {
            let stream = try StreamID(app: "live", id: "n\(number)")
            map.remember(FakeControlPlane.route(epoch: Int64(number)), to: stream)
            map.remember(AppSettings(), of: "app\(number)")
        }
        #expect(map.routes.count == KnownMap.routesMax && map.apps.count == KnownMap.appsMax)
        #expect(map.routes.first?.id == "n5")
        try directory.keep(map)
        #expect(directory.knownMap() == map)
        try Data("{\"routes\":".utf8).write(to: URL(fileURLWithPath: path).appending(path: "known-map.json"))
        #expect(directory.knownMap() == KnownMap())
    }
}
