import Domain

/// Records, each decision one command on one document.
extension MongoDatabase {
    /// What callers read must not vanish by a failover.
    private static let committed: BSONValue = ["level": "majority"]

    func record(_ client: borrowing MongoClient, _ kind: RecordKind, _ key: String) throws -> Record? {
        let options: BSONDocument = ["limit": 1, "readConcern": Self.committed]
        let found = try client.find(name, kind.collection, ["_id": .string(key)], options)
        return try found.first.map { try record(kind, $0) }
    }

    func records(
        _ client: borrowing MongoClient,
        _ kind: RecordKind,
        after cursor: String?,
        limit: Int
    ) throws -> [Record] {
        let filter: BSONDocument = cursor.map { ["_id": ["$gt": .string($0)]] } ?? [:]
        let options: BSONDocument = [
            "sort": ["_id": 1], "limit": .int64(Int64(limit)), "readConcern": Self.committed,
        ]
        return try client.find(name, kind.collection, filter, options).map { try record(kind, $0) }
    }

    func write(
        _ client: borrowing MongoClient,
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) throws -> WriteOutcome {
        let revision = Revision((expected?.value ?? 0) + 1)
        let nonce = BSONValue.int64(.random(in: .min ... .max))
        let content: BSONValue = [
            "_id": .string(key), "revision": .int64(revision.value),
            "body": .document(try document(body, of: "\(kind) \(key)")), "nonce": nonce,
        ]
        // The whole document is replaced, so that a change stream tells the whole record.
        let command: BSONDocument =
            if let expected {
                ["update": .string(kind.collection), "updates": [["q": Self.filter(key, expected), "u": content]]]
            } else {
                ["insert": .string(kind.collection), "documents": [content]]
            }
        let (hasApplied, wasLost) = try decide(client, command)
        if hasApplied { return .done(revision) }
        let present = try client.find(name, kind.collection, ["_id": .string(key)], ["limit": 1]).first
        if present?["nonce"] == nonce { return .done(revision) }
        // Somebody may have overwritten what the lost command wrote.
        if wasLost { throw StoreError.unavailable("MongoDB: the answer to the write of \(kind) \(key) was lost") }
        return .conflict(try present.map { try record(kind, $0) })
    }

    func delete(
        _ client: borrowing MongoClient,
        _ kind: RecordKind,
        _ key: String,
        expecting expected: Revision
    ) throws -> WriteOutcome {
        let deletion: BSONValue = ["q": Self.filter(key, expected), "limit": 1]
        let (hasApplied, wasLost) = try decide(client, ["delete": .string(kind.collection), "deletes": [deletion]])
        if hasApplied { return .done(expected) }
        if wasLost { throw StoreError.unavailable("MongoDB: the answer to the delete of \(kind) \(key) was lost") }
        let present = try client.find(name, kind.collection, ["_id": .string(key)], ["limit": 1]).first
        return .conflict(try present.map { try record(kind, $0) })
    }

    func record(_ kind: RecordKind, _ document: BSONDocument) throws(StoreError) -> Record {
        guard let key = document["_id"]?.string, let revision = document["revision"]?.integer else {
            throw .corrupt("\(kind.collection): a document without a text _id or without a revision")
        }
        let body = try json(document["body"], of: "\(kind) \(key)")
        return Record(kind: kind, key: key, revision: Revision(revision), body: body)
    }

    private static func filter(_ key: String, _ revision: Revision) -> BSONValue {
        ["_id": .string(key), "revision": .int64(revision.value)]
    }

    /// Runs a command that changes one document or none. Connections to a server that was restarted are dead at their next
    /// use, so a lost answer is asked for once more: what took effect the first time does not a second time.
    private func decide(
        _ client: borrowing MongoClient,
        _ command: BSONDocument
    ) throws -> (hasApplied: Bool, wasLost: Bool) {
        let began = ContinuousClock.now
        do {
            return (try applies(client, command), false)
        } catch let error as MongoError where error.isLostAnswer {
            guard ContinuousClock.now - began < .milliseconds(Int64(limits.answerMillisecondsMax) / 2) else {
                throw error
            }
            return (try applies(client, command), true)
        }
    }

    private func applies(_ client: borrowing MongoClient, _ command: BSONDocument) throws -> Bool {
        let reply = try write(client, command)
        for failure in failures(reply) where !failure.isDuplicateKey { throw failure }
        return reply["n"]?.integer == 1
    }
}
