import Domain
import Foundation
import SQLiteStore
import StoreConformance
import Testing

/// Which files the store takes, and what it says about others.
@Suite struct SQLiteFileTests {
    @Test func `a second store on one file is refused and told who has it`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let first = try SQLiteStore(path: directory.file("cluster.db"))
        let link = directory.file("link.db")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory.file("cluster.db"))
        for path in [directory.file("cluster.db"), directory.file("./cluster.db"), link] {
            try #expect(refusal(opening: path).contains("held by process \(getpid())"))
        }
        await first.close()
        await (try SQLiteStore(path: link)).close()
    }

    @Test func `a killed process gives the file back`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.file("cluster.db")
        let holder = try ChildProcess(
            "/bin/bash",
            ["-c", #"exec 9>>"$0"; flock -n 9 && echo $$ >&9 && echo held; read -r _"#, path + ".lock"]
        )
        try await holder.waitForOutput("held")
        try #expect(refusal(opening: path).contains("held by process \(holder.id)"))
        holder.kill()
        await (try SQLiteStore(path: path)).close()
    }

    @Test func `what is not a file of ours is refused with the reason and left alone`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let text = directory.file("text.db")
        let content = Data(String(repeating: "not a database. ", count: 512).utf8)
        try content.write(to: URL(fileURLWithPath: text))
        try #expect(refusal(opening: text).contains("is not a database"))
        #expect(FileManager.default.contents(atPath: text) == content)

        let foreign = directory.file("foreign.db")
        try runSQL("CREATE TABLE other (x)", on: foreign)
        try #expect(refusal(opening: foreign).contains("another program"))

        try #expect(refusal(opening: directory.path).contains("cannot open"))
        try #expect(refusal(opening: directory.file("none/cluster.db")).contains("no directory"))
        try #expect(refusal(opening: "").contains("no directory"))
    }

    @Test func `a file of a newer version is refused and left alone`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.file("cluster.db")
        await (try SQLiteStore(path: path)).close()
        try runSQL("PRAGMA user_version = 99", on: path)
        try #expect(refusal(opening: path).contains("schema 99"))
    }

    @Test func `only the owner may read the files`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let store = try SQLiteStore(path: directory.file("cluster.db"))
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.file(name))
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
        await store.close()
    }

    private func refusal(opening path: String) throws -> String {
        do {
            _ = try SQLiteStore(path: path)
        } catch .refused(let reason) {
            return reason
        }
        Issue.record("\(path) was opened")
        return ""
    }

    private func runSQL(_ sql: String, on path: String) throws {
        let shell = try ChildProcess("/usr/bin/env", ["python3", "-c", Self.script, path, sql])
        try #require(shell.wait() == 0)
    }

    private static let script = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        connection.execute(sys.argv[2])
        connection.commit()
        connection.close()
        """
}
