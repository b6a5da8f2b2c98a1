import EngineModel
import MediaModel
import Relay
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct RelayTimingTests {
    static let limits = RelayLimits()

    @Test func `A stranger that says nothing is closed after the hello timeout, not before`() {
        var parent = RelayParentSession(at: start)
        #expect(parent.nextDeadline == start + Self.limits.helloTimeout)
        parent.timeoutReached(at: start + Self.limits.helloTimeout + .nanoseconds(-1))
        #expect(parent.nextOutput() == nil)
        parent.timeoutReached(at: start + Self.limits.helloTimeout)
        #expect(parent.nextOutput() == .event(.failed(.helloTimeout)))
        #expect(parent.nextOutput() == .close)
        #expect(parent.nextDeadline == nil)
    }

    @Test func `A hello that drips in byte by byte does not win more time`() {
        var parent = RelayParentSession(at: start)
        let bytes = Array(RelayFrame.hello(RelayPair.hello).encoded.readableBytesView.dropLast())
        parent.receive(ByteBuffer(bytes: bytes), at: start + .seconds(4))
        #expect(parent.nextDeadline == start + Self.limits.helloTimeout)
    }

    @Test func `A parent that never answers is given up`() {
        var child = RelayChildSession(RelayPair.hello, at: start)
        _ = child.nextOutput()
        child.timeoutReached(at: start + Self.limits.helloTimeout)
        #expect(child.nextOutput() == .event(.failed(.helloTimeout)))
        #expect(child.nextOutput() == .close)
    }

    @Test func `The parent says every second that it lives, also while the application decides`() {
        var pair = RelayPair()
        pair.run()
        for second in 1...4 {
            let now = start + .seconds(second)
            #expect(pair.parent.nextDeadline == now)
            pair.parent.timeoutReached(at: now)
            #expect(pair.parent.nextOutput() == .transmit(RelayFrame.keepAlive.encoded))
            #expect(pair.parent.nextOutput() == nil)
        }
    }

    @Test func `A child waits for a parent that says it lives, but not for ever`() {
        var child = RelayChildSession(RelayPair.hello, at: start)
        for second in 1..<12 {
            child.receive(RelayFrame.keepAlive.encoded, at: start + .seconds(second))
            child.timeoutReached(at: start + .seconds(second))
        }
        while let output = child.nextOutput() {
            guard case .transmit = output else {
                Issue.record("given up too early: \(output)")
                return
            }
        }
        child.timeoutReached(at: start + Self.limits.decisionTimeout)
        #expect(child.nextOutput() == .event(.failed(.decisionTimeout)))
        #expect(child.nextOutput() == .close)
    }

    @Test func `A pull held for its stream's first media is accepted at the last moment`() {
        var pair = RelayPair()
        pair.run()
        var now = start
        while let next = [pair.child.nextDeadline, pair.parent.nextDeadline].compactMap(\.self).min(),
            next < start + Self.limits.decisionTimeout
        {
            now = next
            pair.parent.timeoutReached(at: now)
            pair.run(at: now)
            pair.child.timeoutReached(at: now)
            pair.run(at: now)
        }
        pair.parent.accept(RelayPair.accept)
        pair.run(at: now)
        #expect(now >= start + .seconds(11))
        #expect(pair.childEvents == [.accepted(RelayPair.accept)])
        #expect(pair.parentEvents == [.pullRequested(RelayPair.hello)])
    }

    @Test func `A parent whose media flows does not say that it lives`() {
        var pair = RelayPair.serving()
        pair.parent.sent(at: start + .milliseconds(900))
        pair.parent.timeoutReached(at: start + .seconds(1))
        #expect(pair.parent.nextOutput() == nil)
        #expect(pair.parent.nextDeadline == start + .milliseconds(1900))
        pair.parent.timeoutReached(at: start + .milliseconds(1900))
        #expect(pair.parent.nextOutput() == .transmit(RelayFrame.keepAlive.encoded))
    }

    @Test func `A child that hears nothing for three seconds fails the pull`() {
        var pair = RelayPair.serving()
        pair.child.timeoutReached(at: start + .nanoseconds(2_999_999_999))
        #expect(pair.child.nextOutput() == nil)
        pair.child.timeoutReached(at: start + .seconds(3))
        #expect(pair.child.nextOutput() == .event(.failed(.peerSilent)))
        #expect(pair.child.nextOutput() == .close)
        #expect(pair.child.nextDeadline == nil)
    }

    @Test func `A parent that hears nothing for ten seconds lets the child go`() {
        var pair = RelayPair.serving()
        for second in 1...9 { pair.parent.timeoutReached(at: start + .seconds(second)) }
        while pair.parent.nextOutput() != nil {}
        pair.parent.timeoutReached(at: start + .seconds(10))
        #expect(pair.parent.nextOutput() == .event(.childLeft))
        #expect(pair.parent.nextOutput() == .event(.failed(.peerSilent)))
        #expect(pair.parent.nextOutput() == .close)
    }

    @Test func `Two quiet sides that keep their timers stay together for an hour`() {
        var pair = RelayPair.serving()
        var now = start
        while now < start + .seconds(3600) {
            guard let next = [pair.child.nextDeadline, pair.parent.nextDeadline].compactMap(\.self).min() else { break }
            #expect(next > now)
            now = next
            // The bytes of the other side arrive before a timer that is due at the same moment.
            pair.parent.timeoutReached(at: now)
            pair.run(at: now)
            pair.child.timeoutReached(at: now)
            pair.run(at: now)
        }
        #expect(pair.childEvents.isEmpty)
        #expect(pair.parentEvents.isEmpty)
        #expect(now >= start + .seconds(3600))
    }
}
