/// Another program that holds a SQLite file's lock, as a backup or a shell does.
struct ForeignLock: Sendable {
    private let holder: ChildProcess

    init(on path: String) async throws {
        holder = try ChildProcess("/usr/bin/env", ["python3", "-u", "-c", Self.script, path])
        try await holder.waitForOutput("locked")
    }

    func release() { holder.kill() }

    private static let script = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        print("locked")
        sys.stdin.read()
        """
}
