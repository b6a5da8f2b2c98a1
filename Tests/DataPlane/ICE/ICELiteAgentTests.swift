import ICE
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct ICELiteAgentTests {
    let home = Scene.path("198.51.100.1")
    let mobile = Scene.path("203.0.113.9")

    @Test func `The first check makes a path to send on, and a nomination confirms it`() {
        let driver = LiteDriver()
        #expect(driver.agent.sendPath == nil)
        #expect(
            driver.receive(Check(), on: home, at: seconds(1)) == [
                .transmit(Check().success(to: home.remote), on: home),
                .event(.sendPathChanged(home, isNominated: false)),
            ]
        )
        #expect(driver.agent.sendPath == home)
        #expect(driver.events(.nominating, on: home, at: seconds(2)) == [.sendPathChanged(home, isNominated: true)])
        #expect(driver.events(.nominating, on: home, at: seconds(3)) == [])
    }

    @Test func `The answer names the address that the check came from, also over IPv6 and TCP`() throws {
        for path in [Scene.path("2001:db8::5"), Scene.path("198.51.100.1", 9, .tcp)] {
            let driver = LiteDriver()
            driver.agent.receive(Check().bytes, on: path, at: seconds(0))
            guard case .transmit(let bytes, on: path) = driver.drain().first else {
                Issue.record("nothing was answered")
                continue
            }
            let response = try ReceivedStunMessage(decoding: bytes)
            #expect(response.message.mappedAddress == path.remote)
            #expect(response.message.transactionID == Check().id)
            #expect(response.isSigned(with: Scene.serverCredentials.password))
            #expect(response.hasFingerprint)
        }
    }

    // MARK: Refusals

    @Test(arguments: [
        (Check.with { $0.password = nil }, ICERefusal.unsigned, StunErrorCode.badRequest),
        (Check.with { $0.username = nil }, .unsigned, .badRequest),
        (Check.with { $0.username = "" }, .unknownUser, .unauthenticated),
        (Check.with { $0.username = "other:clnt" }, .unknownUser, .unauthenticated),
        (Check.with { $0.username = "srv:clnt" }, .unknownUser, .unauthenticated),
        (Check.with { $0.password = "clientpasswordclientpw" }, .wrongSignature, .unauthenticated),
    ])
    func `A check that is not the peer's is refused and changes nothing`(
        check: Check,
        reason: ICERefusal,
        code: StunErrorCode
    ) {
        let driver = LiteDriver()
        #expect(
            driver.receive(check, on: home, at: seconds(0)) == [
                .event(.refused(reason, on: home)), .transmit(check.failure(code, signed: false), on: home),
            ]
        )
        #expect(driver.agent.validPaths == [])
        #expect(driver.agent.nextDeadline == seconds(30))
    }

    @Test func `The peer's own mistakes are answered with a signature`() {
        let driver = LiteDriver()
        let strange = Check.with {
            $0.others = [.other(type: 0x0030, value: ByteBuffer()), .other(type: 0xC057, value: ByteBuffer())]
        }
        #expect(
            driver.receive(strange, on: home, at: seconds(0)) == [
                .event(.refused(.unknownAttributes([0x0030]), on: home)),
                .transmit(strange.failure(.unknownAttribute, signed: true, .unknownAttributes([0x0030])), on: home),
            ]
        )
        let bare = Check.with { $0.priority = nil }
        #expect(
            driver.receive(bare, on: home, at: seconds(0)) == [
                .event(.refused(.missingPriority, on: home)),
                .transmit(bare.failure(.badRequest, signed: true), on: home),
            ]
        )
        #expect(driver.agent.validPaths == [])
    }

    @Test(arguments: [UInt64.min, .max])
    func `A peer that believes to be controlled is told to control, whatever its tie-breaker`(tieBreaker: UInt64) {
        let driver = LiteDriver()
        let check = Check.with { $0.role = .iceControlled(tieBreaker) }
        #expect(
            driver.receive(check, on: home, at: seconds(0)) == [
                .event(.refused(.roleConflict, on: home)),
                .transmit(check.failure(.roleConflict, signed: true), on: home),
            ]
        )
        #expect(driver.agent.validPaths == [])
    }

    @Test func `What is no check gets no answer`() {
        let driver = LiteDriver()
        let indication = StunMessage(.indication, transactionID: Check().id).encoded(signedWith: nil)
        #expect(driver.receive(indication, on: home, at: seconds(0)) == [])
        let response = Check().success(to: home.remote)
        #expect(driver.receive(response, on: home, at: seconds(0)) == [.event(.refused(.unexpectedMessage, on: home))])
        let allocate = StunMessage(.request, method: 3, transactionID: Check().id).encoded(signedWith: nil)
        #expect(driver.receive(allocate, on: home, at: seconds(0)) == [.event(.refused(.unexpectedMessage, on: home))])
        let noise = ByteBuffer(bytes: [0, 1, 2])
        #expect(driver.receive(noise, on: home, at: seconds(0)) == [.event(.refused(.malformed(.notStun), on: home))])
    }

    @Test func `A flood of wrong checks is answered ten times a second and costs no memory`() {
        let driver = LiteDriver()
        let wrong = Check.with { $0.password = "wrong" }.bytes
        var answers = 0
        for number in 0..<5_000 {
            let path = Scene.path("203.0.113.\(number % 250)", UInt16(1024 + number))
            for output in driver.receive(wrong, on: path, at: seconds(Double(number) / 2_000)) {
                if case .transmit = output { answers += 1 }
            }
        }
        #expect(answers == 30)
        #expect(driver.agent.validPaths == [])
    }

    @Test func `A peer with ever new addresses has so many pairs and no more, and keeps the one in use`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        for number in 1...500 {
            driver.receive(Check(), on: Scene.path("203.0.113.9", UInt16(number)), at: seconds(Double(number) / 1000))
        }
        #expect(driver.agent.validPaths.count == 16)
        #expect(driver.agent.sendPath == home)
        #expect(driver.agent.validPaths.contains(Scene.path("203.0.113.9", 500)))
    }

    // MARK: Nomination and moves

    @Test func `Before a nomination data goes on the best pair`() {
        let driver = LiteDriver()
        let relayed = Check.with { $0.priority = 1 << 24 }
        #expect(driver.events(relayed, on: mobile, at: seconds(0)) == [.sendPathChanged(mobile, isNominated: false)])
        #expect(driver.events(Check(), on: home, at: seconds(0)) == [.sendPathChanged(home, isNominated: false)])
        #expect(driver.events(relayed, on: mobile, at: seconds(0)) == [])
    }

    @Test func `A nominated pair beats a better one that is not`() {
        let driver = LiteDriver()
        let relayed = Check.with { ($0.priority, $0.nominates) = (1 << 24, true) }
        driver.receive(Check(), on: home, at: seconds(0))
        #expect(driver.events(relayed, on: mobile, at: seconds(0)) == [.sendPathChanged(mobile, isNominated: true)])
        #expect(driver.events(Check(), on: home, at: seconds(0)) == [])
    }

    /// An agent with aggressive nomination flags every check it sends (RFC 5245 §8.1.1.2).
    @Test func `Of several nominated at once the best stays`() {
        let driver = LiteDriver()
        let relayed = Check.with { ($0.priority, $0.nominates) = (1 << 24, true) }
        #expect(driver.events(.nominating, on: home, at: seconds(0)) == [.sendPathChanged(home, isNominated: true)])
        #expect(driver.events(relayed, on: mobile, at: seconds(0.05)) == [])
        #expect(driver.events(.nominating, on: home, at: seconds(0.1)) == [])
        #expect(driver.events(relayed, on: mobile, at: seconds(0.55)) == [])
    }

    @Test func `A peer that leaves its network for a worse one is followed`() {
        let driver = LiteDriver()
        let worse = Check.with { ($0.priority, $0.nominates) = (1 << 24, true) }
        driver.receive(.nominating, on: home, at: seconds(0))
        #expect(driver.events(worse, on: mobile, at: seconds(0.5)) == [.sendPathChanged(mobile, isNominated: true)])
    }

    @Test func `A nominating peer behind a rebound NAT is followed at once`() {
        let driver = LiteDriver()
        let rebound = Scene.path("198.51.100.1", 4001)
        driver.receive(.nominating, on: home, at: seconds(0))
        #expect(
            driver.events(.nominating, on: rebound, at: seconds(0.1)) == [.sendPathChanged(rebound, isNominated: true)]
        )
    }

    @Test func `One that nominated only once is followed when its old address is quiet`() {
        let driver = LiteDriver()
        let rebound = Scene.path("198.51.100.1", 4001)
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.agent.authenticatedDataReceived(on: home, at: seconds(5))
        #expect(driver.events(Check(), on: rebound, at: seconds(7.9)) == [])
        #expect(driver.events(Check(), on: rebound, at: seconds(8)) == [.sendPathChanged(rebound, isNominated: false)])
    }

    @Test func `One that was heard before its old address was quiet is followed by its data`() {
        let driver = LiteDriver()
        let rebound = Scene.path("198.51.100.1", 4001)
        driver.receive(.nominating, on: home, at: seconds(0))
        #expect(driver.events(Check(), on: rebound, at: seconds(1)) == [])
        driver.agent.authenticatedDataReceived(on: rebound, at: seconds(2.9))
        #expect(driver.drain() == [])
        driver.agent.authenticatedDataReceived(on: rebound, at: seconds(3))
        #expect(driver.drain() == [.event(.sendPathChanged(rebound, isNominated: false))])
        driver.agent.authenticatedDataReceived(on: home, at: seconds(3.1))
        #expect(driver.drain() == [])
    }

    @Test func `One that nominated only once is followed each time its address changes`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        for number in 1...3 {
            let rebound = Scene.path("198.51.100.1", UInt16(4000 + number))
            let now = seconds(Double(number) * 5)
            #expect(driver.events(Check(), on: rebound, at: now) == [.sendPathChanged(rebound, isNominated: false)])
        }
    }

    // MARK: Time

    @Test func `Without a check the agent gives up after the set-up time`() {
        let driver = LiteDriver()
        #expect(driver.agent.nextDeadline == seconds(30))
        #expect(driver.timeout(at: seconds(29.9)) == [])
        #expect(driver.timeout(at: seconds(30)) == [.event(.failed(.noConnection))])
        #expect(driver.agent.nextDeadline == nil)
        #expect(driver.receive(Check(), on: home, at: seconds(31)) == [])
    }

    @Test func `Consent ends 30 seconds after the last check`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.receive(Check(), on: home, at: seconds(10))
        #expect(driver.agent.nextDeadline == seconds(40))
        #expect(driver.timeout(at: seconds(39.9)) == [])
        #expect(driver.timeout(at: seconds(40)) == [.event(.failed(.consentExpired))])
        #expect(driver.agent.sendPath == nil)
        #expect(driver.agent.validPaths == [])
    }

    @Test func `Authenticated data keeps the consent, wrong checks do not`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.agent.authenticatedDataReceived(on: home, at: seconds(20))
        driver.agent.authenticatedDataReceived(on: mobile, at: seconds(25))
        driver.receive(Check.with { $0.password = "wrong" }, on: home, at: seconds(30))
        #expect(driver.agent.nextDeadline == seconds(50))
    }

    @Test func `When the path in use goes silent another that is heard takes over`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.receive(Check(), on: mobile, at: seconds(1))
        #expect(driver.timeout(at: seconds(30)) == [.event(.sendPathChanged(mobile, isNominated: false))])
        #expect(driver.agent.nextDeadline == seconds(31))
    }

    /// A driver has a connection open for each TCP path.
    @Test func `A path that has not been heard for as long as consent lasts is none any more, whatever is in use`() {
        let driver = LiteDriver()
        let tcp = Scene.path("198.51.100.1", 9000, .tcp)
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.receive(Check(), on: tcp, at: seconds(1))
        driver.receive(Check(), on: home, at: seconds(20))
        #expect(driver.agent.nextDeadline == seconds(31))
        #expect(driver.timeout(at: seconds(31)) == [])
        #expect(driver.agent.validPaths == [home] && driver.agent.sendPath == home)
        #expect(driver.agent.nextDeadline == seconds(50))
    }

    @Test func `A closed TCP connection is left for another path, or waited out`() {
        let driver = LiteDriver()
        let tcp = Scene.path("198.51.100.1", 9000, .tcp)
        driver.receive(.nominating, on: tcp, at: seconds(0))
        driver.receive(Check(), on: home, at: seconds(0))
        driver.agent.pathClosed(tcp, at: seconds(1))
        #expect(driver.drain() == [.event(.sendPathChanged(home, isNominated: false))])
        driver.agent.pathClosed(home, at: seconds(2))
        #expect(driver.agent.sendPath == nil)
        #expect(driver.agent.nextDeadline == seconds(32))
        let again = Scene.path("198.51.100.1", 9001, .tcp)
        #expect(driver.events(.nominating, on: again, at: seconds(3)) == [.sendPathChanged(again, isNominated: true)])
        driver.agent.pathClosed(again, at: seconds(4))
        #expect(driver.timeout(at: seconds(34)) == [.event(.failed(.consentExpired))])
    }

    // MARK: Restart

    static func renewed(_ change: (inout Check) -> Void = { _ in }) -> Check {
        var check = Check()
        (check.username, check.password) = ("next:clnt", Scene.renewedCredentials.password)
        change(&check)
        return check
    }

    @Test func `A restart leaves the old pair in use until the peer nominates with the new credentials`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.agent.restart(credentials: Scene.renewedCredentials, at: seconds(1))
        #expect(driver.agent.userFragments == ["next", "srvr"])
        #expect(driver.agent.sendPath == home)
        #expect(driver.events(Check(), on: home, at: seconds(2)) == [])
        #expect(driver.events(Self.renewed(), on: mobile, at: seconds(6)) == [])
        #expect(
            driver.events(Self.renewed { $0.nominates = true }, on: mobile, at: seconds(7)) == [
                .restarted, .sendPathChanged(mobile, isNominated: true),
            ]
        )
        #expect(driver.agent.validPaths == [mobile])
        #expect(driver.agent.userFragments == ["next"])
        #expect(driver.events(Check(), on: home, at: seconds(8)) == [.refused(.unknownUser, on: home)])
    }

    @Test func `A restart on the same addresses completes without a move`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.agent.restart(credentials: Scene.renewedCredentials, at: seconds(1))
        #expect(driver.events(Self.renewed(), on: home, at: seconds(2)) == [])
        #expect(driver.events(.nominating, on: home, at: seconds(2)) == [])
        #expect(driver.events(Self.renewed { $0.nominates = true }, on: home, at: seconds(3)) == [.restarted])
        #expect(driver.agent.sendPath == home)
    }

    @Test func `A second restart replaces the first, and the pair in use goes on`() {
        let driver = LiteDriver()
        driver.receive(.nominating, on: home, at: seconds(0))
        driver.agent.restart(credentials: Scene.credentials("lost", "neverusedneverusednever"), at: seconds(1))
        driver.agent.restart(credentials: Scene.renewedCredentials, at: seconds(2))
        #expect(driver.agent.userFragments == ["next", "srvr"])
        #expect(driver.events(Check(), on: home, at: seconds(3)) == [])
        #expect(driver.agent.sendPath == home)
    }

    @Test func `A restart brings a failed agent back`() {
        let driver = LiteDriver()
        _ = driver.timeout(at: seconds(30))
        driver.agent.restart(credentials: Scene.renewedCredentials, at: seconds(31))
        #expect(driver.agent.nextDeadline == seconds(61))
        #expect(driver.agent.userFragments == ["next"])
        let events = driver.events(Self.renewed { $0.nominates = true }, on: home, at: seconds(32))
        #expect(events == [.sendPathChanged(home, isNominated: true)])
    }
}
