import Drivers
import NIOCore
import NIOEmbedded
import Testing
import Timebase

struct EngineTimerTests {
    @Test func `a deadline that moves later keeps the timer that is armed`() {
        let loop = EmbeddedEventLoop()
        var timer = EngineTimer()
        var fired: [MonotonicInstant] = []
        let base = loop.instant
        timer.arm(for: base + .seconds(1), on: loop) { fired.append($0) }
        timer.arm(for: base + .seconds(5), on: loop) { _ in Issue.record("a second timer was armed") }
        loop.advanceTime(by: .seconds(10))
        #expect(fired == [base + .seconds(1)])
    }

    @Test func `a deadline that moves earlier replaces the timer`() {
        let loop = EmbeddedEventLoop()
        var timer = EngineTimer()
        var fired: [MonotonicInstant] = []
        let base = loop.instant
        timer.arm(for: base + .seconds(5), on: loop) { _ in Issue.record("the later timer still fired") }
        timer.arm(for: base + .seconds(1), on: loop) { fired.append($0) }
        loop.advanceTime(by: .seconds(10))
        #expect(fired == [base + .seconds(1)])
    }

    @Test func `no deadline disarms`() {
        let loop = EmbeddedEventLoop()
        var timer = EngineTimer()
        timer.arm(for: loop.instant + .seconds(1), on: loop) { _ in Issue.record("fired") }
        timer.arm(for: nil, on: loop) { _ in Issue.record("fired") }
        loop.advanceTime(by: .seconds(10))
    }

    @Test func `after it fired the timer can be armed again, also for the time that has come`() {
        let loop = EmbeddedEventLoop()
        var timer = EngineTimer()
        var count = 0
        let base = loop.instant
        timer.arm(for: base + .seconds(1), on: loop) { _ in count += 1 }
        loop.advanceTime(by: .seconds(1))
        timer.arm(for: base + .seconds(1), on: loop) { _ in count += 1 }
        loop.advanceTime(by: .milliseconds(1))
        #expect(count == 2)
    }
}
