import Dispatch
package import NIOCore
import Synchronization

/// A thread that hands packets to libsrt. Players are shared out over a few of them.
package final class SRTSendThread: Sendable {
    private let tasks = ThreadTasks()
    private let wake = DispatchSemaphore(value: 0)
    private let isClosed = Atomic<Bool>(false)

    package init(number: Int) { WorkThread.start("srt-send-\(number)") { self.run() } }

    package func execute(_ task: @escaping @Sendable () -> Void) {
        tasks.add(task)
        wake.signal()
    }

    package func schedule(in delay: TimeAmount, _ task: @escaping @Sendable () -> Void) {
        tasks.add(at: .now() + delay, task)
        wake.signal()
    }

    /// Ends the thread once what it was asked has been done.
    package func close() {
        execute { self.isClosed.store(true, ordering: .releasing) }
    }

    private func run() {
        while !isClosed.load(ordering: .acquiring) {
            guard let next = tasks.run(now: .now()) else {
                wake.wait()
                continue
            }
            _ = wake.wait(timeout: DispatchTime(uptimeNanoseconds: next.uptimeNanoseconds))
        }
    }
}
