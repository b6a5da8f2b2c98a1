import Domain
import Foundation

/// Changes by a change stream, which needs a replica set; a set of one member will do.
extension MongoDatabase {
    /// Calls `handler` for every change while `mayGoOn`. Survives outages by the resume token; throws when it cannot.
    func follow(
        _ client: borrowing MongoClient,
        while mayGoOn: () -> Bool,
        _ handler: (StoreChange) -> Void
    ) throws {
        var token: BSONDocument?
        while mayGoOn() {
            do {
                try followOnce(client, from: &token, while: mayGoOn, handler)
            } catch let error as MongoError {
                // 40573: the server is no member of a set.
                if error.code == 40573 {
                    throw StoreError.refused(
                        "this MongoDB tells no changes because it is not in a replica set. Several control planes need one; "
                            + "a set of one member will do"
                    )
                }
                guard token != nil, case .unavailable = StoreError(error) else { throw error }
                // The driver has already waited for a server; this only spares one that refuses at once.
                Thread.sleep(forTimeInterval: 0.2)
            }
        }
    }

    private func followOnce(
        _ client: borrowing MongoClient,
        from token: inout BSONDocument?,
        while mayGoOn: () -> Bool,
        _ handler: (StoreChange) -> Void
    ) throws {
        let stream = MongoChangeStream(
            client,
            name,
            // Heartbeats are most of what is written, and nobody follows them.
            pipeline: [["$match": ["ns.coll": ["$ne": .string(Self.leases)]]]],
            resumeAfter: token,
            millisecondsPerRequest: limits.followMillisecondsPerRequest
        )
        while mayGoOn() {
            let event = try stream.next()
            token = stream.resumeToken ?? token
            if let event, let change = try change(event) { handler(change) }
        }
    }

    private func change(_ event: BSONDocument) throws(StoreError) -> StoreChange? {
        let operation = event["operationType"]?.string
        if operation == "dropDatabase" || operation == "invalidate" {
            throw .unavailable("MongoDB: the database \(name) was dropped")
        }
        guard let collection = event["ns"]?.document?["coll"]?.string, let kind = RecordKind(collection: collection)
        else {
            return nil
        }
        switch operation {
        case "insert", "replace", "update":
            // An update made by hand shows no document when that is gone again: its deletion follows.
            guard let document = event["fullDocument"]?.document else { return nil }
            return .written(try record(kind, document))
        case "delete":
            guard let key = event["documentKey"]?.document?["_id"]?.string else { return nil }
            return .deleted(kind, key: key)
        default:
            throw .unavailable("MongoDB: the collection \(collection) was dropped or renamed")
        }
    }
}
