import Domain
import Foundation
import GRDB
import Timebase

/// Leases in SQL. Every function runs inside the caller's transaction.
extension Database {
    func renew(_ renewals: [LeaseRenewal], until validUntil: WallTime) throws -> [LeaseOutcome] {
        let renewal = try cachedStatement(
            sql: """
                INSERT INTO leases VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (node_id) DO UPDATE SET
                    boot_id = excluded.boot_id, boot_number = excluded.boot_number,
                    valid_until_ms = excluded.valid_until_ms, report = excluded.report
                WHERE leases.boot_number <= excluded.boot_number
                """
        )
        let holder = try cachedStatement(sql: "SELECT boot_id FROM leases WHERE node_id = ?")
        return try renewals.map { lease in
            try renewal.execute(arguments: [
                lease.nodeID, lease.bootID, lease.bootNumber, validUntil.milliseconds, Data(lease.report),
            ])
            if changesCount == 1 { return .renewed(validUntil: validUntil) }
            return .superseded(byBootID: try String.fetchOne(holder, arguments: [lease.nodeID]) ?? "")
        }
    }

    func leases() throws -> [Lease] {
        let sql = "SELECT node_id, boot_id, boot_number, valid_until_ms, report FROM leases ORDER BY node_id"
        return try Row.fetchAll(cachedStatement(sql: sql)).map { row in
            Lease(
                nodeID: try row.decode(String.self, atIndex: 0),
                bootID: try row.decode(String.self, atIndex: 1),
                bootNumber: try row.decode(Int64.self, atIndex: 2),
                validUntil: WallTime(milliseconds: try row.decode(Int64.self, atIndex: 3)),
                report: [UInt8](try row.decode(Data.self, atIndex: 4))
            )
        }
    }

    func removeLease(of nodeID: String) throws {
        try cachedStatement(sql: "DELETE FROM leases WHERE node_id = ?").execute(arguments: [nodeID])
    }
}
