package import Timebase

/// Which finished recordings of a node must go. Pure.
package struct Retention: Hashable, Sendable {
    package struct File: Hashable, Sendable {
        /// `app/name`.
        package var path: String
        package var bytes: Int
        package var endedAt: WallTime
        /// It was not copied to where it is to be yet: it stays, whatever the limits.
        package var waitsForCopy: Bool

        package init(path: String, bytes: Int, endedAt: WallTime, waitsForCopy: Bool = false) {
            self.path = path
            self.bytes = bytes
            self.endedAt = endedAt
            self.waitsForCopy = waitsForCopy
        }
    }

    /// Of all recordings together, those that still grow too; nil: only the disk bounds them.
    package var bytesMax: Int?
    /// Nil: they are kept until somebody deletes them.
    package var ageMax: Duration?

    package init(bytesMax: Int? = nil, ageMax: Duration? = nil) {
        self.bytesMax = bytesMax
        self.ageMax = ageMax
    }

    private static let filesWithinLimit = 4

    /// Where a recording goes on in another file, so that what is left within the limit is more than the newest one.
    package func fileBytesMax(_ limit: Int) -> Int { bytesMax.map { min($0 / Self.filesWithinLimit, limit) } ?? limit }

    /// The oldest go first. `growing` are the bytes of what is being recorded, which stays; where nothing is, the newest file
    /// stays however large it is: nobody wants a limit for recordings that leaves none.
    package func expired(_ files: [File], growing: Int, at now: WallTime) -> [String] {
        let oldest = files.sorted { ($0.endedAt, $0.path) < ($1.endedAt, $1.path) }
        var left = files.reduce(growing) { $0 + $1.bytes }
        let spared = growing == 0 ? oldest.last?.path : nil
        var expired: [String] = []
        for file in oldest where !file.waitsForCopy {
            let isOld = ageMax.map { now - file.endedAt > $0 } ?? false
            let isTooMuch = file.path != spared && bytesMax.map { left > $0 } == true
            guard isOld || isTooMuch else { continue }
            expired.append(file.path)
            left -= file.bytes
        }
        return expired
    }
}
