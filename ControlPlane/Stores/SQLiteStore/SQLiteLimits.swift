/// What the SQLite store holds in memory or makes others wait for, at most.
package struct SQLiteLimits: Sendable {
    /// Writes that share one commit, and with it one wait for the disk.
    package var writesPerCommitMax = 64
    /// A commit this large keeps a heartbeat waiting no longer than some tens of milliseconds.
    package var bytesPerCommitMax = 4 << 20
    /// Calls that wait for the writer. More are turned away: the disk has been slower than the cluster for long.
    package var waitingWritesMax = 10_000
    /// Reads at the same time, each with a connection and a thread.
    package var readersMax = 4
    /// The file's size. A cluster of 10,000 nodes and 100,000 streams needs less than 1 GiB: more is something gone wrong.
    package var fileBytesMax: Int64 = 16 << 30
    /// How long to wait for another program's lock, such as a backup's, in seconds.
    package var busyTimeoutSeconds = 2.0

    package init() {}
}
