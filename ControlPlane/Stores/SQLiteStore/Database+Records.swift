import Domain
import Foundation
import GRDB

/// Records in SQL. Every function runs inside the caller's transaction.
extension Database {
    func record(_ kind: RecordKind, _ key: String) throws -> Domain.Record? {
        let statement = try cachedStatement(sql: "SELECT key, revision, body FROM \(kind.table) WHERE key = ?")
        return try Row.fetchOne(statement, arguments: [key]).map { try Domain.Record(kind, row: $0) }
    }

    func records(_ kind: RecordKind, after cursor: String?, limit: Int) throws -> [Domain.Record] {
        let order = "ORDER BY key LIMIT ?"
        let columns = "SELECT key, revision, body FROM \(kind.table)"
        let rows =
            if let cursor {
                try Row.fetchAll(
                    cachedStatement(sql: "\(columns) WHERE key > ? \(order)"),
                    arguments: [cursor, limit]
                )
            } else {
                try Row.fetchAll(cachedStatement(sql: "\(columns) \(order)"), arguments: [limit])
            }
        return try rows.map { try Domain.Record(kind, row: $0) }
    }

    func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) throws -> WriteOutcome {
        if let expected {
            let sql = "UPDATE \(kind.table) SET revision = revision + 1, body = ? WHERE key = ? AND revision = ?"
            try cachedStatement(sql: sql).execute(arguments: [Data(body), key, expected.value])
        } else {
            let sql = "INSERT INTO \(kind.table) VALUES (?, 1, ?) ON CONFLICT DO NOTHING"
            try cachedStatement(sql: sql).execute(arguments: [key, Data(body)])
        }
        guard changesCount == 1 else { return .conflict(try record(kind, key)) }
        return .done(Revision((expected?.value ?? 0) + 1))
    }

    func delete(_ kind: RecordKind, _ key: String, expecting expected: Revision) throws -> WriteOutcome {
        let sql = "DELETE FROM \(kind.table) WHERE key = ? AND revision = ?"
        try cachedStatement(sql: sql).execute(arguments: [key, expected.value])
        return changesCount == 1 ? .done(expected) : .conflict(try record(kind, key))
    }
}

extension Domain.Record {
    fileprivate init(_ kind: RecordKind, row: Row) throws {
        self.init(
            kind: kind,
            key: try row.decode(String.self, atIndex: 0),
            revision: Revision(try row.decode(Int64.self, atIndex: 1)),
            body: [UInt8](try row.decode(Data.self, atIndex: 2))
        )
    }
}
