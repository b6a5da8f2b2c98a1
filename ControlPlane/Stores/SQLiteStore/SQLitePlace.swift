import Domain
import GRDB
import Glibc

/// Where the file is, and how it is opened.
struct SQLitePlace {
    /// Without symbolic links: two names of one file must meet at one lock.
    let path: String

    init(_ path: String) throws(StoreError) {
        if let existing = Self.resolve(path) {
            self.path = existing
            return
        }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let directory = path.contains("/") ? String(path.dropLast(name.utf8.count)) : "."
        guard !name.isEmpty, !path.hasSuffix("/"), let parent = Self.resolve(directory) else {
            throw .refused("there is no directory for \(path). Make it, or name another place")
        }
        self.path = parent == "/" ? "/\(name)" : "\(parent)/\(name)"
    }

    func open(_ limits: SQLiteLimits) throws -> DatabasePool {
        try makeFile()
        var configuration = Configuration()
        configuration.label = "millrace.store"
        configuration.maximumReaderCount = limits.readersMax
        configuration.busyMode = .timeout(limits.busyTimeoutSeconds)
        configuration.prepareDatabase { database in
            let pageBytes = try Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            try database.execute(sql: "PRAGMA max_page_count = \(limits.fileBytesMax / pageBytes)")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            try SQLiteSchema.prepare(database, path: path)
            // GRDB has set NORMAL for the log, which loses the last commits with the power.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
                throw StoreError.refused("\(path): this SQLite does not sync its commits")
            }
        }
        return pool
    }

    /// Made before SQLite makes it: its log and index files take over these rights.
    private func makeFile() throws(StoreError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .refused("cannot open \(path): \(String(cString: strerror(errno))). Check the file and its directory")
        }
        Glibc.close(descriptor)
    }

    private static func resolve(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
