import DequeModule
import Dispatch
import Foundation
import Synchronization

/// What waits for one worker thread. Senders never wait.
final class WorkQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: Deque<Element> = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let arrivals = DispatchSemaphore(value: 0)

    var depth: Int { state.withLock { $0.elements.count } }

    func append(_ element: Element) {
        change { $0.append(element) }
    }

    /// Any change of what waits; after `close` nothing is changed.
    func change(_ body: (inout Deque<Element>) -> Void) {
        state.withLock {
            guard !$0.isClosed else { return }
            body(&$0.elements)
        }
        arrivals.signal()
    }

    /// What still waits is worked off, or with `discarding` dropped; then the worker ends.
    func close(discarding: Bool) {
        state.withLock {
            $0.isClosed = true
            if discarding { $0.elements.removeAll() }
        }
        arrivals.signal()
    }

    /// Waits. Nil when closed and empty.
    func next() -> Element? {
        while true {
            let (element, isClosed) = state.withLock { ($0.elements.popFirst(), $0.isClosed) }
            if let element { return element }
            if isClosed { return nil }
            arrivals.wait()
        }
    }

    /// Runs `work` on a thread of its own, which yields to the event loops when cores are short.
    func serve(threadName: String, _ work: @escaping @Sendable () -> Void) {
        let thread = Thread {
            Niceness.lowerThisThread()
            work()
        }
        thread.name = threadName
        thread.start()
    }
}
