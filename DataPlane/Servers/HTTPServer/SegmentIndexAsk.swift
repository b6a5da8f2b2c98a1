import HLS
import NIOCore

/// A node's question to its parent for the segment index, and who waits for the answer.
///
/// `HLSStream` touches it on the stream's loop only.
final class SegmentIndexAsk {
    /// What the relay knows the index by, beside the names of objects.
    static let objectName = "index"
    /// Of the newest question: answers to older ones are not for it.
    private(set) var number = 0
    private(set) var isUnderWay = false
    /// Nothing is listed before the answer: players would see segments come that are older than those they know.
    private(set) var holdsPlaylists = false
    private var deadline = NIODeadline.distantFuture
    /// As many as the relay lets all child nodes ask at a time.
    private var waiters: [() -> Void] = []
    private var lastVersion: SegmentWindow.Version?

    func begin(holdsPlaylists: Bool, until deadline: NIODeadline) -> Int {
        number += 1
        isUnderWay = true
        self.holdsPlaylists = holdsPlaylists
        self.deadline = deadline
        return number
    }

    func isUnderWay(_ number: Int) -> Bool { isUnderWay && number == self.number }

    func isOverdue(at now: NIODeadline) -> Bool { isUnderWay && now >= deadline }

    /// At once when nothing is asked. A child node asks this one while this one asks its own parent.
    func whenAnswered(_ then: @escaping () -> Void) {
        guard isUnderWay else { return then() }
        waiters.append(then)
    }

    /// Whether this is the first question while `version`'s segment is open.
    func isFirst(for version: SegmentWindow.Version) -> Bool {
        defer { lastVersion = version }
        return lastVersion?.epoch != version.epoch || lastVersion?.sequence != version.sequence
    }

    /// Answered, or given up.
    func end() {
        isUnderWay = false
        holdsPlaylists = false
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter() }
    }
}
