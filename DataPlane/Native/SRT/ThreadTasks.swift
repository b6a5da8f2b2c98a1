import Foundation
import NIOCore
import Synchronization

/// What one thread has been asked to do: at once, in order, or at a time.
final class ThreadTasks: Sendable {
    typealias Task = @Sendable () -> Void

    private struct State {
        var ready: [Task] = []
        /// In the order of their times.
        var timed: [(at: NIODeadline, task: Task)] = []
    }

    private let state = Mutex(State())

    func add(_ task: @escaping Task) { state.withLock { $0.ready.append(task) } }

    func add(at deadline: NIODeadline, _ task: @escaping Task) {
        state.withLock { state in
            let place = state.timed.lastIndex { $0.at <= deadline }.map { $0 + 1 } ?? 0
            state.timed.insert((deadline, task), at: place)
        }
    }

    /// Runs what is due. Returns when the next one is; nil when none waits.
    func run(now: NIODeadline) -> NIODeadline? {
        let due = state.withLock { state -> [Task] in
            let timed = state.timed.prefix { $0.at <= now }
            state.timed.removeFirst(timed.count)
            defer { state.ready = [] }
            return state.ready + timed.map(\.task)
        }
        for task in due { task() }
        return state.withLock { $0.ready.isEmpty ? $0.timed.first?.at : now }
    }
}

/// A thread of libsrt's callers. Made by `start`, it lives until its body returns.
enum WorkThread {
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = name
        thread.start()
    }
}
