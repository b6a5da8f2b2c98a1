import EngineModel
import FLV
import NIOCore
import RTMP
import Testing
import Timebase

@Suite struct SessionTimingTests {
    @Test func `a peer that never finishes the handshake is given up after five seconds`() {
        var server = makeServer()
        _ = server.feed([3], at: start + .seconds(4))
        #expect(server.nextDeadline == start + .seconds(5))
        server.timeoutReached(at: start + .milliseconds(4999))
        #expect(server.drain() == [])
        server.timeoutReached(at: start + .seconds(5))
        #expect(server.drain() == [.event(.failed(.setupTimeout)), .close])
        #expect(server.nextDeadline == nil)
    }

    @Test func `a peer that connects and asks for nothing is given up`() {
        var server = makeServer()
        _ = server.feed(ClientBytes.make { $0.connect(app: "live") })
        #expect(server.nextDeadline == start + .seconds(10))
        server.timeoutReached(at: start + .seconds(10))
        #expect(server.drain() == [.event(.failed(.setupTimeout)), .close])
    }

    @Test func `no time runs while the application decides`() {
        var server = makeServer()
        _ = server.feed(ClientBytes.make(ServerSessionTests.requesting("publish")))
        #expect(server.nextDeadline == nil)
    }

    @Test func `a silent publisher is pinged, and given up when it stays silent`() throws {
        var server = AcceptingServer()
        _ = server.feed(ClientBytes.make(ServerSessionTests.requesting("publish")))
        #expect(server.nextDeadline == start + .seconds(10))
        server.timeoutReached(at: start + .seconds(10))
        #expect(try commands(in: server.drain(), afterHandshake: false) == ["pingRequest(10000)"])
        #expect(server.nextDeadline == start + .seconds(20))
        server.timeoutReached(at: start + .seconds(20))
        #expect(server.drain() == [.event(.publishEnded(clean: false)), .event(.failed(.peerSilent)), .close])
    }

    @Test func `after a pause of this process a player is pinged before it is given up`() throws {
        var server = AcceptingServer()
        _ = server.feed(ClientBytes.make(ServerSessionTests.requesting("play")))
        server.timeoutReached(at: start + .seconds(90))
        #expect(try commands(in: server.drain(), afterHandshake: false) == ["pingRequest(90000)"])
        #expect(server.nextDeadline == start + .seconds(120))
        server.timeoutReached(at: start + .seconds(120))
        #expect(server.drain() == [.event(.playEnded), .event(.failed(.peerSilent)), .close])
    }

    @Test func `media may follow the publisher's end for five seconds`() {
        var server = AcceptingServer()
        _ = server.feed(
            ClientBytes.make {
                ServerSessionTests.requesting("publish")(&$0)
                $0.command("FCUnpublish", 0, .null, 1)
            }
        )
        var writer = ChunkWriter()
        writer.message(8, id: 4, time: 9, stream: 1, [0xAF, 1, 5])
        #expect(server.feed(writer.bytes, at: start + .seconds(5)) == [])
        let late = server.feed(writer.bytes, at: start + .milliseconds(5001))
        #expect(late == [.event(.failed(.mediaOutsidePublish)), .close])
    }

    @Test func `an answer to a ping keeps a player`() {
        var server = AcceptingServer()
        _ = server.feed(ClientBytes.make(ServerSessionTests.requesting("play")))
        server.timeoutReached(at: start + .seconds(30))
        _ = server.drain()
        var writer = ChunkWriter()
        writer.message(4, id: 2, [0, 7, 0, 0, 0x75, 0x30])
        #expect(server.feed(writer.bytes, at: start + .seconds(31)) == [])
        #expect(server.nextDeadline == start + .seconds(61))
    }

    @Test func `a ping is answered with its own number`() throws {
        var server = makeServer()
        let outputs = server.feed(ClientBytes.make { $0.writer.message(4, id: 2, [0, 6, 1, 2, 3, 4]) })
        #expect(try commands(in: outputs) == ["pingResponse(16909060)"])
    }

    @Test func `received bytes are acknowledged once per window the peer set`() throws {
        var server = AcceptingServer()
        var client = ClientBytes()
        client.writer.message(5, id: 2, [0, 0, 0x10, 0])
        ServerSessionTests.requesting("publish")(&client)
        _ = server.feed(client.bytes)
        let before = client.bytes.count
        var writer = ChunkWriter()
        writer.message(8, id: 4, stream: 1, [UInt8](repeating: 0x2F, count: 100))
        let message = writer.bytes
        var acknowledgements: [Int] = []
        var sent = before
        for _ in 0..<100 {
            sent += message.count
            for case .transmit in server.feed(message) { acknowledgements.append(sent) }
        }
        // 11,200 bytes behind the first 3,400 or so, in windows of 4,096.
        #expect(acknowledgements.count == 3)
        for (earlier, later) in zip(acknowledgements, acknowledgements.dropFirst()) {
            #expect((4096..<4096 + message.count).contains(later - earlier))
        }
    }
}
