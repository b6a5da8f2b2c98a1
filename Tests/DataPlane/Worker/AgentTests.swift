import HTTPServer
import NIOCore
import NIOPosix
import Testing
import Worker

@Suite struct AgentTests {
    @Test(arguments: [
        (MediaHTTPService.Readiness.ready, 0.35, "up ready 75%"), (.ready, 0, "up ready 100%"),
        (.readyBut("full for players: 9 of 9 viewers"), 1, "up ready 25%"),
        (.notReady("draining"), 0.1, "up drain"), (.notReady("full: 500 of 500 publishers"), 0.1, "up ready 0%"),
        (.notReady("superseded"), 0, "maint"),
        (.notReady("not registered\nyet é"), 0, "down #not registeredyet "),
    ])
    func `the word says state, weight and reason`(
        readiness: MediaHTTPService.Readiness,
        utilisation: Double,
        word: String
    ) {
        var weight = AgentWeight()
        weight.update(utilisation: utilisation)
        #expect(AgentWord.text(readiness, weight, takesPlayers: false) == word)
    }

    /// Its players' next requests come by the load balancer, too.
    @Test func `a full node that takes players is not taken out`() {
        #expect(AgentWord.text(.notReady("full: 9 of 9 viewers"), AgentWeight(), takesPlayers: true) == "up ready 1%")
    }

    @Test func `the weight takes a new step once the load has passed it for good`() {
        var weight = AgentWeight()
        for (utilisation, percent) in [
            (-1, 100), (0.24, 100), (0.29, 100), (0.31, 75), (0.24, 75), (0.21, 75), (0.19, 100), (0.6, 50), (0.5, 50),
            // Weight 0 would be a drain, from which only the next answer gets it out.
            (0.99, 25), (1.7, 25), (0, 100),
        ] {
            weight.update(utilisation: utilisation)
            #expect(weight.percent == percent, "at \(utilisation)")
        }
    }

    @Test func `a check gets one line and the end of the connection`() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await AgentServer { "up ready 75%" }.listen(host: "127.0.0.1", port: 0, on: group)
        let address = try #require(server.localAddress)
        let client = try await ClientBootstrap(group: group).connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        let line = try await client.executeThenClose { inbound, _ in
            var all = ""
            for try await bytes in inbound { all += String(buffer: bytes) }
            return all
        }
        #expect(line == "up ready 75%\n")
        try await server.close().get()
    }
}
