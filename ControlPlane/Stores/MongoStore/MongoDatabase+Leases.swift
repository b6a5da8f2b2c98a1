import Domain
import Timebase

/// Leases. Times come from the server's clock (`$$NOW`) inside the write itself.
extension MongoDatabase {
    /// One write a renewal, many in one command, then one read of what holds now.
    func renew(
        _ client: borrowing MongoClient,
        _ renewals: [LeaseRenewal],
        for duration: Duration
    ) throws -> LeaseReport {
        var outcomes: [LeaseOutcome] = []
        var latest: Int64?
        var rest = renewals[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(limits.renewalsPerCommandMax))
            rest = rest.dropFirst(part.count)
            let held = try renewUntilDecided(client, part, for: duration)
            outcomes += part.map { Self.outcome(of: $0, held[$0.nodeID]) }
            latest = held.values.map(\.renewedAt).max().map { max($0, latest ?? $0) }
        }
        return LeaseReport(outcomes: outcomes, now: WallTime(milliseconds: try latest ?? now(client)))
    }

    func leases(_ client: borrowing MongoClient) throws -> (leases: [Lease], now: WallTime) {
        // The time is taken first: a lease that is renewed in between then still counts as valid.
        let now = try now(client)
        let found = try client.find(name, Self.leases, [:], ["sort": ["_id": 1], "readConcern": ["level": "majority"]])
        return (try found.map { try lease($0) }, WallTime(milliseconds: now))
    }

    func removeLease(_ client: borrowing MongoClient, of nodeID: String) throws {
        let deletion: BSONValue = ["q": ["_id": .string(nodeID)], "limit": 1]
        let reply = try write(client, ["delete": .string(Self.leases), "deletes": [deletion]])
        for failure in failures(reply) { throw failure }
    }

    private struct Holder {
        var bootID: String
        var bootNumber: Int64
        var renewedAt: Int64
        var validUntil: Int64
    }

    /// Two boots that make a node's first lease at the same time can fail each other by the duplicate key, also the newer:
    /// it then tries again.
    private func renewUntilDecided(
        _ client: borrowing MongoClient,
        _ renewals: [LeaseRenewal],
        for duration: Duration
    ) throws -> [String: Holder] {
        let command: BSONDocument = [
            "update": .string(Self.leases),
            "updates": .array(try renewals.map { try update($0, for: duration) }), "ordered": false,
        ]
        for _ in 0..<3 {
            for failure in failures(try write(client, command)) where !failure.isDuplicateKey { throw failure }
            let held = try holders(client, of: renewals.map(\.nodeID))
            let isDecided = renewals.allSatisfy { renewal in
                guard let holder = held[renewal.nodeID] else { return false }
                return holder.bootNumber > renewal.bootNumber || holder.bootID == renewal.bootID
            }
            if isDecided { return held }
        }
        throw StoreError.unavailable("MongoDB: leases changed under every try to renew them")
    }

    /// Matches no newer boot; the insert that follows from `upsert` then meets its `_id` and fails as a duplicate.
    private func update(_ renewal: LeaseRenewal, for duration: Duration) throws -> BSONValue {
        let report = try document(renewal.report, of: "the report of node \(renewal.nodeID)")
        let fields: BSONValue = [
            "bootID": ["$literal": .string(renewal.bootID)],
            "bootNumber": ["$literal": .int64(renewal.bootNumber)],
            "renewedAt": ["$toLong": "$$NOW"],
            "validUntil": ["$add": [["$toLong": "$$NOW"], .int64(duration.milliseconds)]],
            "report": ["$literal": .document(report)],
        ]
        return [
            "q": ["_id": .string(renewal.nodeID), "bootNumber": ["$lte": .int64(renewal.bootNumber)]],
            "u": [["$set": fields]], "upsert": true,
        ]
    }

    private func holders(_ client: borrowing MongoClient, of nodeIDs: [String]) throws -> [String: Holder] {
        let filter: BSONDocument = ["_id": ["$in": .array(nodeIDs.map(BSONValue.string))]]
        let found = try client.find(name, Self.leases, filter, ["projection": ["report": 0]])
        var holders: [String: Holder] = [:]
        for document in found {
            guard let nodeID = document["_id"]?.string, let bootID = document["bootID"]?.string,
                let bootNumber = document["bootNumber"]?.integer, let renewedAt = document["renewedAt"]?.integer,
                let validUntil = document["validUntil"]?.integer
            else { throw StoreError.corrupt("a lease without its fields") }
            holders[nodeID] = Holder(
                bootID: bootID,
                bootNumber: bootNumber,
                renewedAt: renewedAt,
                validUntil: validUntil
            )
        }
        return holders
    }

    private static func outcome(of renewal: LeaseRenewal, _ holder: Holder?) -> LeaseOutcome {
        guard let holder, holder.bootID == renewal.bootID else {
            return .superseded(byBootID: holder?.bootID ?? "")
        }
        return .renewed(validUntil: WallTime(milliseconds: holder.validUntil))
    }

    private func lease(_ document: BSONDocument) throws(StoreError) -> Lease {
        guard let nodeID = document["_id"]?.string, let bootID = document["bootID"]?.string,
            let bootNumber = document["bootNumber"]?.integer, let validUntil = document["validUntil"]?.integer
        else { throw .corrupt("a lease without its fields") }
        return Lease(
            nodeID: nodeID,
            bootID: bootID,
            bootNumber: bootNumber,
            validUntil: WallTime(milliseconds: validUntil),
            report: try json(document["report"], of: "the report of node \(nodeID)")
        )
    }
}
