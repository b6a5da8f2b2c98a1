import CLinux
import Glibc

/// A set of sockets, and which of them are ready. Level-triggered: what is left unread is reported again.
final class EventPoll {
    struct Ready {
        /// What the socket was added with.
        var token: Int
        var canWrite: Bool
    }

    private static let eventsPerWait = 512

    private let descriptor: CInt
    private var events = [epoll_event](repeating: epoll_event(), count: eventsPerWait)

    init() throws(SocketError) {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SocketError("epoll_create1", errno) }
    }

    deinit { close(descriptor) }

    func add(_ socket: CInt, token: Int, awaitsWrite: Bool) { control(EPOLL_CTL_ADD, socket, token, awaitsWrite) }
    func change(_ socket: CInt, token: Int, awaitsWrite: Bool) { control(EPOLL_CTL_MOD, socket, token, awaitsWrite) }
    func remove(_ socket: CInt) { control(EPOLL_CTL_DEL, socket, 0, false) }

    /// Waits for the first to be ready, at most this long, and hands over up to 512 of them; true when there may be more.
    func wait(milliseconds: Int, _ body: (Ready) -> Void) -> Bool {
        let count = Int(epoll_wait(descriptor, &events, CInt(events.count), CInt(clamping: milliseconds)))
        guard count > 0 else { return false }
        for event in events[..<count] {
            body(Ready(token: Int(event.data.u64), canWrite: event.events & EPOLLOUT.rawValue != 0))
        }
        return count == events.count
    }

    private func control(_ operation: CInt, _ socket: CInt, _ token: Int, _ awaitsWrite: Bool) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (awaitsWrite ? EPOLLOUT.rawValue : 0)
        event.data.u64 = UInt64(token)
        _ = epoll_ctl(descriptor, operation, socket, &event)
    }
}
