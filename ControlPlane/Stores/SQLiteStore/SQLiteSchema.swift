import Domain
import GRDB

/// The tables, as numbered steps from an empty file. A step that was ever released is never changed: add another.
enum SQLiteSchema {
    /// "MlRc": tells our files from other programs' (`PRAGMA application_id`).
    static let applicationID: Int64 = 0x4D6C_5263

    /// Step n brings `PRAGMA user_version` from n to n + 1.
    static let steps: [String] = [
        """
        CREATE TABLE nodes (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE streams (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE node_groups (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE apps (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE cluster_facts (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE leases (
            node_id TEXT PRIMARY KEY,
            boot_id TEXT NOT NULL,
            boot_number INTEGER NOT NULL,
            valid_until_ms INTEGER NOT NULL,
            report BLOB NOT NULL
        ) STRICT;
        """,
        """
        CREATE TABLE scaling (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        CREATE TABLE webhooks (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        """,
        """
        CREATE TABLE recordings (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        """,
        """
        CREATE TABLE answers (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
        """,
    ]

    /// Brings the file up to this version, or refuses one that is not ours or newer.
    static func prepare(_ database: Database, path: String) throws {
        let owner = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard owner == applicationID || (isEmpty && owner == 0) else {
            throw StoreError.refused("\(path) is a database of another program. Name another file")
        }
        guard version <= steps.count else {
            throw StoreError.refused(
                "\(path) has schema \(version), this version knows up to \(steps.count). Run the newer version again"
            )
        }
        for number in version..<steps.count {
            try database.inTransaction(.immediate) {
                try database.execute(sql: steps[number])
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
                try database.execute(sql: "PRAGMA user_version = \(number + 1)")
                return .commit
            }
        }
    }

    /// Changes nothing, but takes the lock, the space and the sync of a real write.
    static func rewriteVersion(_ database: Database) throws {
        try database.execute(sql: "PRAGMA user_version = \(steps.count)")
    }
}

extension RecordKind {
    var table: String {
        switch self {
        case .node: "nodes"
        case .stream: "streams"
        case .group: "node_groups"
        case .app: "apps"
        case .scaling: "scaling"
        case .webhook: "webhooks"
        case .recording: "recordings"
        case .answer: "answers"
        case .cluster: "cluster_facts"
        }
    }
}
