import HTTPServer
import NIOCore
import NIOPosix
import Testing
import Worker

@Suite struct AgentTests {
    @Test(arguments: [
        (MediaHTTPService.Readiness.ready, 0.25, "up ready 75%"), (.ready, 0, "up ready 100%"),
        // Weight 0 would be a drain, from which only the next answer gets it out.
        (.ready, 1.7, "up ready 1%"), (.ready, -1, "up ready 100%"),
        (.notReady("draining"), 0.1, "up drain"), (.notReady("full: 500 of 500 publishers"), 0.1, "up ready 0%"),
        (.notReady("superseded"), 0, "maint"),
        (.notReady("not registered\nyet é"), 0, "down #not registeredyet "),
    ])
    func `the word says state, weight and reason`(
        readiness: MediaHTTPService.Readiness,
        utilisation: Double,
        word: String
    ) {
        #expect(AgentWord.text(readiness, utilisation: utilisation) == word)
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
