import ClusterModel
import MediaModel
import NIOCore
import Streams
import Synchronization
import Testing
import Timebase
import Worker

@Suite(.timeLimit(.minutes(1))) struct WaitingChildrenTests {
    private let node: TestNode

    init() throws {
        node = try TestNode()
        node.puller.isSilent.withLock { $0 = true }
    }

    /// Waits for the stream as a child does; the refusal, or nil once it is there.
    private func child(of tier: RouteAnswer.Tier, named name: String = "e9") -> Task<Refusal?, Never> {
        node.control.state.withLock { $0.route = FakeControlPlane.route(epoch: 1, parent: "p1", tier: tier) }
        return Task { [node] in
            do throws(Refusal) {
                _ = try await node.coordinator.relay(node.id, for: name)
                return nil
            } catch { return error }
        }
    }

    private func bringMedia() throws {
        let stream = try #require(node.registry[node.id])
        stream.loop.execute { stream.receive([.tracks([Track(id: .data, codec: .data)])]) }
    }

    /// Its parent may wait for it, over any number of others.
    @Test func `A child is sent on soon by a node that waits for a peer`() async throws {
        let child = child(of: .peer)
        await node.until { node.puller.pulled.withLock { $0.count } == 1 }
        await node.time.whenSleeping(.seconds(1))
        node.time.advance(.seconds(1))
        #expect(await child.value.isUnavailable)
        // The search has gone on for too long already: the next one is sent on at once.
        #expect(await self.child(of: .peer, named: "e8").value.isUnavailable)
        #expect(node.registry[node.id] != nil)
    }

    @Test func `A child may wait below a secondary that looks for its own parent, but not for ever`() async throws {
        let child = child(of: .secondary)
        await node.until { node.puller.pulled.withLock { $0.count } == 1 }
        for _ in 0..<3 {
            await node.time.whenSleeping(.seconds(1))
            node.time.advance(.seconds(1))
        }
        #expect(await child.value.isUnavailable)
    }

    @Test func `A child waits for as long as the owner is asked`() async throws {
        let child = child(of: .origin)
        await node.until { node.puller.pulled.withLock { $0.count } == 1 }
        for _ in 0..<7 {
            await node.time.whenSleeping(.seconds(1))
            node.time.advance(.seconds(1))
        }
        await node.time.whenSleeping(.seconds(1))
        try bringMedia()
        #expect(await child.value == nil)
    }
}

extension Refusal? {
    fileprivate var isUnavailable: Bool {
        if case .unavailable? = self { true } else { false }
    }
}
