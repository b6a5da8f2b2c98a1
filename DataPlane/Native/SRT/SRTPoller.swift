import CSRT
package import NIOCore
import Synchronization

/// The thread that accepts callers and reads what they send. Its users' code runs on it and must not wait.
package final class SRTPoller: Sendable {
    package enum Readiness: Hashable, Sendable {
        case readable
        /// Told once; nothing more is told of this socket.
        case broken
    }

    package typealias Handler = @Sendable (Readiness) -> Void

    private static let eventsPerWait = 256
    /// How late a task of another thread may begin.
    private static let waitMax = TimeAmount.milliseconds(10)

    private let epoll: CInt
    private let tasks = ThreadTasks()
    private let handlers = Mutex<[SRTSOCKET: Handler]>([:])
    private let isClosed = Atomic<Bool>(false)

    package init() throws(SRTError) {
        epoll = srt_epoll_create()
        guard epoll >= 0 else { throw SRTError("srt_epoll_create") }
        srt_epoll_set(epoll, Int32(SRT_EPOLL_ENABLE_EMPTY.rawValue))
        WorkThread.start("srt-poll") { self.run() }
    }

    /// Runs `task` on the poller's thread, soon.
    package func execute(_ task: @escaping @Sendable () -> Void) { tasks.add(task) }

    package func schedule(in delay: TimeAmount, _ task: @escaping @Sendable () -> Void) {
        tasks.add(at: .now() + delay, task)
    }

    /// Tells `handler` of the socket from now on.
    package func add(_ socket: SRTSocket, wantsInput: Bool, _ handler: @escaping Handler) {
        handlers.withLock { $0[socket.number] = handler }
        var events = Self.events(wantsInput)
        srt_epoll_add_usock(epoll, socket.number, &events)
    }

    package func add(_ listener: SRTListener, _ handler: @escaping Handler) {
        add(listener.socket, wantsInput: true, handler)
    }

    package func setInput(_ wantsInput: Bool, of socket: SRTSocket) {
        var events = Self.events(wantsInput)
        srt_epoll_update_usock(epoll, socket.number, &events)
    }

    package func remove(_ socket: SRTSocket) {
        guard handlers.withLock({ $0.removeValue(forKey: socket.number) }) != nil else { return }
        srt_epoll_remove_usock(epoll, socket.number)
    }

    /// Ends the thread once what it was asked has been done.
    package func close() {
        execute { self.isClosed.store(true, ordering: .releasing) }
    }

    private func run() {
        var ready = [SRT_EPOLL_EVENT](repeating: SRT_EPOLL_EVENT(), count: Self.eventsPerWait)
        while !isClosed.load(ordering: .acquiring) {
            let now = NIODeadline.now()
            let next = tasks.run(now: now)
            let wait = min(next.map { max($0 - now, .nanoseconds(0)) } ?? Self.waitMax, Self.waitMax)
            // Rounded up: a wait of zero would turn the thread in circles until the task is due.
            let milliseconds = (wait.nanoseconds + 999_999) / 1_000_000
            let count = srt_epoll_uwait(epoll, &ready, CInt(ready.count), milliseconds)
            guard count > 0 else { continue }
            for event in ready.prefix(Int(count)) { tell(event) }
        }
        srt_epoll_release(epoll)
    }

    private func tell(_ event: SRT_EPOLL_EVENT) {
        let isBroken = event.events & CInt(bitPattern: SRT_EPOLL_ERR.rawValue) != 0
        let handler = handlers.withLock { isBroken ? $0.removeValue(forKey: event.fd) : $0[event.fd] }
        if isBroken { srt_epoll_remove_usock(epoll, event.fd) }
        handler?(isBroken ? .broken : .readable)
    }

    private static func events(_ wantsInput: Bool) -> CInt {
        CInt(bitPattern: SRT_EPOLL_ERR.rawValue) | (wantsInput ? CInt(bitPattern: SRT_EPOLL_IN.rawValue) : 0)
    }
}
