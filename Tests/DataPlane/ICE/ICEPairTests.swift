import ICE
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// A client and a server with a lossy network and a NAT between them.
private final class World {
    private struct Datagram {
        var bytes: ByteBuffer
        var path: TransportPath
    }

    let client: ClientDriver
    let server = LiteDriver()
    private(set) var clientEvents: [ICEClientAgent.Event] = []
    private(set) var serverEvents: [ICELiteAgent.Event] = []
    private(set) var now = seconds(0)
    /// The port that the NAT gives the client's now; datagrams to others are lost.
    var mappedPort: UInt16 = 7_000
    var isCut = false
    private var up: SimulatedLink<Datagram>
    private var down: SimulatedLink<Datagram>

    static let local = address("10.0.0.2", 4000)
    static let mapped = address("198.51.100.1", 0).ip

    init(seed: UInt64, lossPerMille: Int) {
        var conditions = SimulatedLink<Datagram>.Conditions()
        conditions.lossPerMille = lossPerMille
        conditions.latency = .milliseconds(50)
        conditions.jitterMaxMilliseconds = 10
        up = SimulatedLink(seed: seed, conditions: conditions)
        down = SimulatedLink(seed: seed &+ 1_000_000, conditions: conditions)
        client = ClientDriver([Self.local], seed: seed)
        client.agent.add(Scene.candidates[0], at: now)
        drain()
    }

    /// The path as the server sees it.
    var serverPath: TransportPath {
        TransportPath(.udp, local: Scene.server, remote: TransportAddress(Self.mapped, mappedPort))
    }

    func run(until end: MonotonicInstant) {
        while true {
            let next = [
                up.nextArrival, down.nextArrival, client.agent.nextDeadline, server.agent.nextDeadline,
            ].compactMap { $0 }.min()
            guard let next, next <= end else {
                now = end
                return
            }
            now = max(now, next)
            step()
        }
    }

    private func step() {
        while let datagram = up.receive(at: now), !isCut {
            server.agent.receive(datagram.bytes, on: datagram.path, at: now)
        }
        while let datagram = down.receive(at: now) {
            guard datagram.path.remote.port == mappedPort, !isCut else { continue }
            let path = TransportPath(.udp, local: Self.local, remote: Scene.server)
            client.agent.receive(datagram.bytes, on: path, at: now)
        }
        if let deadline = client.agent.nextDeadline, deadline <= now { client.agent.timeoutReached(at: now) }
        if let deadline = server.agent.nextDeadline, deadline <= now { server.agent.timeoutReached(at: now) }
        drain()
    }

    private func drain() {
        for output in client.drain() {
            switch output {
            case .transmit(let bytes, _): up.send(Datagram(bytes: bytes, path: serverPath), at: now)
            case .event(let event): clientEvents.append(event)
            }
        }
        for output in server.drain() {
            switch output {
            case .transmit(let bytes, let path): down.send(Datagram(bytes: bytes, path: path), at: now)
            case .event(let event): serverEvents.append(event)
            }
        }
    }
}

@Suite struct ICEPairTests {
    @Test func `Without loss two round trips connect`() {
        let world = World(seed: 1, lossPerMille: 0)
        world.run(until: seconds(0.24))
        #expect(world.clientEvents == [.connected(TransportPath(.udp, local: World.local, remote: Scene.server))])
        #expect(
            world.serverEvents == [
                .sendPathChanged(world.serverPath, isNominated: false),
                .sendPathChanged(world.serverPath, isNominated: true),
            ]
        )
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>, [0, 50, 100, 200])
    func `A pair connects through loss and keeps its consent for minutes`(seed: UInt64, lossPerMille: Int) {
        let world = World(seed: seed, lossPerMille: lossPerMille)
        world.run(until: seconds(25))
        #expect(world.client.agent.sendPath != nil)
        #expect(world.server.agent.sendPath == world.serverPath)
        // At 20 % six round trips in a row may fail in four minutes; consent is there to end then.
        guard lossPerMille < 200 else { return }
        world.run(until: seconds(240))
        #expect(world.client.agent.sendPath != nil)
        #expect(world.server.agent.sendPath == world.serverPath)
        #expect(world.serverEvents.allSatisfy { if case .refused = $0 { false } else { true } })
        #expect(world.server.agent.validPaths.count <= 1)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `A NAT that forgets the client is survived`(seed: UInt64) {
        let world = World(seed: seed, lossPerMille: 50)
        world.run(until: seconds(20))
        world.mappedPort = 7_001
        world.run(until: seconds(45))
        #expect(world.server.agent.sendPath == world.serverPath)
        #expect(world.client.agent.sendPath != nil)
        world.run(until: seconds(120))
        #expect(world.server.agent.validPaths.contains(world.serverPath))
        #expect(world.client.agent.sendPath != nil)
    }

    @Test func `When the network is gone both sides end their consent within half a minute`() {
        let world = World(seed: 3, lossPerMille: 0)
        world.run(until: seconds(10))
        world.isCut = true
        world.run(until: seconds(41))
        #expect(world.clientEvents.last == .failed(.consentExpired))
        #expect(world.serverEvents.last == .failed(.consentExpired))
    }
}
