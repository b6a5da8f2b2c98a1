import ClusterModel
import ControlPlaneService
import Logging
import TestSupport
import Testing
import Timebase
import Worker

@Suite(.timeLimit(.minutes(2))) struct DiscoveryTests {
    private let key = Discovery.Key(nodeToken: "token-of-this-cluster")
    private let other = Discovery.Key(nodeToken: "token-of-another-one")
    private let urls = ["http://10.0.0.5:5070", "https://[fd00::5]:5070"]

    private func made(_ byte: UInt8 = 1) throws -> Discovery.Nonce {
        try #require(Discovery.Nonce([UInt8](repeating: byte, count: Discovery.Nonce.bytes)))
    }

    @Test func `question and answer are understood by those with the token alone`() throws {
        let nonce = try made()
        let question = Discovery.question(nonce, key)
        #expect(Discovery.nonce(ofQuestion: question, key) == nonce)
        #expect(Discovery.nonce(ofQuestion: question, other) == nil)
        let answer = Discovery.answer(to: nonce, urls, key)
        #expect(Discovery.urls(inAnswer: answer, to: nonce, key) == urls)
        #expect(Discovery.urls(inAnswer: answer, to: nonce, other) == nil)
        #expect(Discovery.nonce(ofQuestion: answer, key) == nil)
        #expect(Discovery.urls(inAnswer: question, to: nonce, key) == nil)
    }

    @Test func `an answer to another question is worth nothing`() throws {
        let (mine, old) = (try made(1), try made(2))
        #expect(Discovery.urls(inAnswer: Discovery.answer(to: old, urls, key), to: mine, key) == nil)
    }

    @Test func `a datagram with any bit turned, or cut anywhere, is refused`() throws {
        let nonce = try made()
        let answer = Discovery.answer(to: nonce, urls, key)
        for index in answer.indices {
            var turned = answer
            turned[index] ^= 1
            #expect(Discovery.urls(inAnswer: turned, to: nonce, key) == nil, "byte \(index)")
            #expect(Discovery.urls(inAnswer: Array(answer[..<index]), to: nonce, key) == nil, "cut at \(index)")
        }
        #expect(Discovery.urls(inAnswer: Discovery.answer(to: nonce, ["ftp://x"], key), to: nonce, key) == nil)
        #expect(Discovery.urls(inAnswer: Discovery.answer(to: nonce, [], key), to: nonce, key) == nil)
    }

    @Test func `a question is answered once, and a flood is not even read`() throws {
        var limits = DiscoveryResponder.Limits()
        limits.datagramsPerSecondMax = 3
        limits.noncesMax = 2
        var responder = DiscoveryResponder(key: key, limits: limits)
        func ask(_ byte: UInt8, _ milliseconds: Int64) throws -> Bool {
            let question = Discovery.question(try made(byte), key)
            return responder.receive(question, at: MonotonicInstant(nanoseconds: milliseconds * 1_000_000)) != nil
        }
        #expect(try ask(1, 0))
        #expect(try !ask(1, 1), "a replay")
        #expect(try ask(2, 2))
        #expect(try !ask(3, 3), "the fourth of a second")
        #expect(try ask(3, 1000))
        #expect(try !ask(2, 1001), "still remembered")
        #expect(try ask(1, 1002), "as many as are remembered came since")
    }

    @Test func `a worker finds the control plane of its token, and no other`() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let listener = try await DiscoveryListener(
            host: "127.0.0.1",
            port: 0,
            scheme: "https",
            restPort: 5070,
            key: key,
            logger: logger
        )
        var limits = DiscoverySearch.Limits()
        limits.askEvery = .milliseconds(300)
        let stranger = DiscoverySearch(
            nodeToken: "token-of-another-one",
            port: listener.port,
            hosts: ["127.0.0.1"],
            logger: logger,
            limits: limits
        )
        #expect(await stranger.run(rounds: 1) == nil)
        let search = DiscoverySearch(
            nodeToken: "token-of-this-cluster",
            port: listener.port,
            hosts: ["127.0.0.1"],
            logger: logger
        )
        #expect(await search.run() == ["https://127.0.0.1:5070"])
        await listener.close()
    }

    @Test func `a worker whose control planes stopped answering finds where they went`() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        func listen(on port: Int, restPort: Int) async throws -> DiscoveryListener {
            try await DiscoveryListener(
                host: "127.0.0.1",
                port: port,
                scheme: "http",
                restPort: restPort,
                key: key,
                logger: logger
            )
        }
        let first = try await listen(on: 0, restPort: 5070)
        let port = first.port
        let located = LocatedControlPlanes(
            named: ["http://named:5070/"],
            network: DiscoverySearch(
                nodeToken: "token-of-this-cluster",
                port: port,
                hosts: ["127.0.0.1"],
                logger: logger
            )
        )
        await located.search()
        let before = ["http://named:5070", "http://127.0.0.1:5070"]
        #expect(located.urls.inTurn == before)
        await first.close()
        let second = try await listen(on: port, restPort: 5071)
        for _ in 0..<2 { await located.missed() }
        located.answered()
        for _ in 0..<2 { await located.missed() }
        #expect(located.urls.inTurn == before, "an answer between them starts the count again")
        // An answer may come too late for one search on a busy machine.
        while located.urls.inTurn == before, !Task.isCancelled { await located.missed() }
        #expect(located.urls.inTurn == ["http://named:5070", "http://127.0.0.1:5071"])
        await second.close()
    }
}
