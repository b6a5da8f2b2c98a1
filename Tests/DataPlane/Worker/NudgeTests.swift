import Synchronization
import Testing
import Timebase
import Worker

@Suite struct NudgeTests {
    /// A clock whose sleeps take a thousand turns of the scheduler, and which counts those that were slept out.
    private final class SlowClock: Sendable {
        let completed = Mutex(0)

        var clock: WorkerClock {
            WorkerClock(now: { MonotonicInstant(nanoseconds: 0) }, wall: { WallTime(milliseconds: 0) }) { _ in
                for _ in 0..<1000 {
                    if Task.isCancelled { return false }
                    await Task.yield()
                }
                self.completed.withLock { $0 += 1 }
                return true
            }
        }
    }

    @Test func `a wait without news lasts its time, however many came before it`() async {
        let (nudge, slow) = (Nudge(), SlowClock())
        for _ in 0..<3 { _ = await nudge.wait(atMost: .seconds(5), slow.clock) }
        #expect(slow.completed.withLock { $0 } == 3)
    }

    @Test func `news ends a wait, also news that came before it, and only one wait`() async {
        let (nudge, slow) = (Nudge(), SlowClock())
        nudge.fire()
        nudge.fire()
        #expect(await nudge.wait(atMost: .seconds(5), slow.clock))
        #expect(slow.completed.withLock { $0 } == 0)
        #expect(await nudge.wait(atMost: .seconds(5), slow.clock))
        #expect(slow.completed.withLock { $0 } == 1)
    }

    @Test func `a cancelled wait is over`() async {
        let (nudge, slow) = (Nudge(), SlowClock())
        let waiting = Task { await nudge.wait(atMost: .seconds(5), slow.clock) }
        waiting.cancel()
        #expect(await waiting.value == false)
    }
}
