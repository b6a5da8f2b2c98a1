import Glibc

enum Niceness {
    /// Enough that an event loop with something to send goes first, and not so much that encoders starve.
    private static let encoders: Int32 = 5

    /// On Linux the niceness is a thread's own, and those it starts inherit it.
    static func lowerThisThread() { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, encoders) }
}
