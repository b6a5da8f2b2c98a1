package import Timebase

/// Which finished recordings of a node must go. Pure.
package struct Retention: Hashable, Sendable {
    package struct File: Hashable, Sendable {
        /// `app/name`.
        package var path: String
        package var bytes: Int
        package var endedAt: WallTime

        package init(path: String, bytes: Int, endedAt: WallTime) {
            self.path = path
            self.bytes = bytes
            self.endedAt = endedAt
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

    /// The oldest go first. `growing` are the bytes of what is being recorded, which stays.
    package func expired(_ files: [File], growing: Int, at now: WallTime) -> [String] {
        let oldest = files.sorted { ($0.endedAt, $0.path) < ($1.endedAt, $1.path) }
        var left = files.reduce(growing) { $0 + $1.bytes }
        var expired: [String] = []
        for file in oldest {
            let isOld = ageMax.map { now - file.endedAt > $0 } ?? false
            guard isOld || bytesMax.map({ left > $0 }) == true else { continue }
            expired.append(file.path)
            left -= file.bytes
        }
        return expired
    }
}
