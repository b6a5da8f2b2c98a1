import ICE
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// Owns a controlling agent, as a driver does.
final class ClientDriver {
    typealias Output = ICEOutput<ICEClientAgent.Event>

    var agent: ICEClientAgent

    init(_ addresses: [TransportAddress], limits: ICELimits = ICELimits(), seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        agent = ICEClientAgent(
            credentials: Scene.clientCredentials,
            remoteCredentials: Scene.serverCredentials,
            localAddresses: addresses,
            limits: limits,
            at: seconds(0),
            using: &random
        )
    }

    func drain() -> [Output] {
        var outputs: [Output] = []
        while let output = agent.nextOutput() { outputs.append(output) }
        return outputs
    }

    var deadline: MonotonicInstant? { agent.nextDeadline }

    func requests() throws -> [(message: StunMessage, path: TransportPath)] {
        try drain().compactMap { output in
            guard case .transmit(let bytes, let path) = output else { return nil }
            return (try ReceivedStunMessage(decoding: bytes).message, path)
        }
    }

    func answer(
        _ request: (message: StunMessage, path: TransportPath),
        signedWith password: String = Scene.serverCredentials.password,
        at now: MonotonicInstant
    ) {
        let response = StunMessage(
            .success,
            transactionID: request.message.transactionID,
            attributes: [.xorMappedAddress(request.path.local)]
        )
        agent.receive(response.encoded(signedWith: password), on: request.path, at: now)
    }
}

@Suite struct ICEClientAgentTests {
    static let local = address("198.51.100.1", 4000)
    static let udp = Scene.candidates[0]
    static let path = TransportPath(.udp, local: local, remote: Scene.server)
    static let second = Candidate(.host, .udp, address("192.0.2.2", 50_000), priority: 1000, foundation: "9")

    @Test func `A check carries what the server wants, and a nomination follows its answer`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        let check = try #require(try driver.requests().first)
        #expect(check.path == Self.path)
        #expect(check.message.username == "srvr:clnt")
        #expect(check.message.priority == Scene.reflexivePriority)
        #expect(!check.message.usesCandidate)
        driver.answer(check, at: seconds(0.02))
        let nomination = try #require(try driver.requests().first)
        #expect(nomination.message.usesCandidate)
        #expect(nomination.message.transactionID != check.message.transactionID)
        driver.answer(nomination, at: seconds(0.04))
        #expect(driver.drain() == [.event(.connected(Self.path))])
        #expect(driver.agent.sendPath == Self.path)
    }

    @Test func `Families are not mixed and TCP waits for its connection`() throws {
        let driver = ClientDriver([Self.local, address("2001:db8::2", 4000)])
        for candidate in Scene.candidates { driver.agent.add(candidate, at: seconds(0)) }
        #expect(try driver.requests().map(\.path) == [Self.path])
        let tcp = TransportPath(.tcp, local: address("198.51.100.1", 9), remote: Scene.server)
        driver.agent.add(connection: tcp, priority: Scene.candidates[1].priority, at: seconds(1))
        #expect(try driver.requests().map(\.path).contains(tcp))
    }

    @Test func `Checks keep their pace`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        driver.agent.add(Self.second, at: seconds(0))
        #expect(try driver.requests().count == 1)
        #expect(driver.agent.nextDeadline == seconds(0.05))
        driver.agent.timeoutReached(at: seconds(0.05))
        #expect(try driver.requests().map(\.path.remote) == [Self.second.address])
    }

    @Test func `A request that is not answered is sent again, ever later, until the set-up time is over`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        var times: [MonotonicInstant] = []
        var ids: Set<StunTransactionID> = []
        var now = seconds(0)
        while now < seconds(30) {
            for request in try driver.requests() {
                times.append(now)
                ids.insert(request.message.transactionID)
            }
            now = try #require(driver.deadline)
            driver.agent.timeoutReached(at: now)
        }
        #expect(times == [0, 0.5, 1.5, 3.5, 7.5, 15.5].map(seconds))
        #expect(ids.count == 1)
        #expect(driver.drain() == [.event(.failed(.noConnection))])
        #expect(driver.agent.nextDeadline == nil)
    }

    @Test func `The better of two pairs is nominated when it answers in time`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        driver.agent.add(Self.second, at: seconds(0))
        driver.agent.timeoutReached(at: seconds(0.05))
        let checks = try driver.requests()
        driver.answer(checks[1], at: seconds(0.06))
        #expect(driver.drain() == [])
        driver.answer(checks[0], at: seconds(0.1))
        let nomination = try #require(try driver.requests().first)
        #expect(nomination.path == Self.path)
        #expect(nomination.message.usesCandidate)
    }

    @Test func `The other is nominated when it does not`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        driver.agent.add(Self.second, at: seconds(0))
        driver.agent.timeoutReached(at: seconds(0.05))
        driver.answer(try driver.requests()[1], at: seconds(0.06))
        driver.agent.timeoutReached(at: seconds(0.26))
        let nomination = try #require(try driver.requests().first)
        #expect(nomination.path.remote == Self.second.address)
        #expect(nomination.message.usesCandidate)
    }

    @Test func `An answer with another signature, id or path is refused`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        let check = try #require(try driver.requests().first)
        driver.answer(check, signedWith: Scene.clientCredentials.password, at: seconds(0.1))
        #expect(driver.drain() == [.event(.refused(.wrongSignature, on: Self.path))])
        var wrong = check
        wrong.message.transactionID = StunTransactionID(high: 0, low: 0)
        driver.answer(wrong, at: seconds(0.1))
        #expect(driver.drain() == [.event(.refused(.unexpectedMessage, on: Self.path))])
        wrong = check
        wrong.path.remote = Self.second.address
        driver.answer(wrong, at: seconds(0.1))
        #expect(driver.drain() == [.event(.refused(.unexpectedMessage, on: wrong.path))])
    }

    @Test func `A peer that controls too ends the attempt`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        let check = try #require(try driver.requests().first)
        let conflict = StunMessage(
            .error,
            transactionID: check.message.transactionID,
            attributes: [.errorCode(.roleConflict)]
        )
        driver.agent.receive(conflict.encoded(signedWith: nil), on: Self.path, at: seconds(0.1))
        #expect(driver.drain() == [.event(.failed(.roleConflict))])
    }

    func connected() throws -> ClientDriver {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        for _ in 0..<2 { driver.answer(try #require(try driver.requests().first), at: seconds(0)) }
        #expect(driver.drain() == [.event(.connected(Self.path))])
        return driver
    }

    @Test func `Consent is asked for every four to six seconds, each time with a new id`() throws {
        let driver = try connected()
        var times = [seconds(0)]
        var ids: Set<StunTransactionID> = []
        for _ in 0..<20 {
            let now = try #require(driver.deadline)
            driver.agent.timeoutReached(at: now)
            let request = try #require(try driver.requests().first)
            ids.insert(request.message.transactionID)
            times.append(now)
            driver.answer(request, at: now)
        }
        let intervals = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(intervals.allSatisfy { .seconds(4)...Duration.seconds(6) ~= $0 })
        #expect(Set(intervals).count > 10)
        #expect(ids.count == 20)
    }

    @Test func `Without an answer consent ends after 30 seconds`() throws {
        let driver = try connected()
        var last: [ClientDriver.Output] = []
        while let now = driver.agent.nextDeadline {
            #expect(now <= seconds(30))
            driver.agent.timeoutReached(at: now)
            last = driver.drain()
        }
        #expect(last == [.event(.failed(.consentExpired))])
    }

    @Test func `A late answer still counts`() throws {
        let driver = try connected()
        driver.agent.timeoutReached(at: try #require(driver.deadline))
        let early = try #require(try driver.requests().first)
        driver.agent.timeoutReached(at: try #require(driver.deadline))
        driver.answer(early, at: seconds(29))
        _ = driver.drain()
        while let now = driver.agent.nextDeadline, now < seconds(58.9) {
            driver.agent.timeoutReached(at: now)
            _ = driver.drain()
        }
        #expect(driver.agent.sendPath == Self.path)
        driver.agent.timeoutReached(at: seconds(59))
        #expect(driver.drain().contains(.event(.failed(.consentExpired))))
    }

    @Test func `When a nomination is lost for good the next best pair is nominated`() throws {
        let driver = ClientDriver([Self.local])
        driver.agent.add(Self.udp, at: seconds(0))
        driver.agent.add(Self.second, at: seconds(0))
        driver.agent.timeoutReached(at: seconds(0.05))
        for check in try driver.requests() { driver.answer(check, at: seconds(0.1)) }
        let nomination = try #require(try driver.requests().first)
        #expect(nomination.path == Self.path)
        let refusal = StunMessage(
            .error,
            transactionID: nomination.message.transactionID,
            attributes: [.errorCode(.badRequest)]
        )
        driver.agent.receive(refusal.encoded(signedWith: nil), on: Self.path, at: seconds(0.2))
        let next = try #require(try driver.requests().first)
        #expect(next.path.remote == Self.second.address)
        #expect(next.message.usesCandidate)
    }

    @Test func `A check of a full peer is answered and makes a pair to check`() throws {
        let driver = ClientDriver([Self.local])
        let message = StunMessage(
            .request,
            transactionID: StunTransactionID(high: 5, low: 6),
            attributes: [.username("clnt:srvr"), .priority(77), .iceControlled(1)]
        )
        driver.agent.receive(
            message.encoded(signedWith: Scene.clientCredentials.password),
            on: Self.path,
            at: seconds(0)
        )
        let sent = try driver.requests()
        #expect(sent.map(\.message.messageClass) == [.success, .request])
        #expect(sent.first?.message.mappedAddress == Scene.server)
        var conflicting = message
        conflicting.attributes[2] = .iceControlling(1)
        driver.agent.receive(
            conflicting.encoded(signedWith: Scene.clientCredentials.password),
            on: Self.path,
            at: seconds(0)
        )
        #expect(driver.drain().first == .event(.refused(.roleConflict, on: Self.path)))
    }
}
