import Domain
import Synchronization

/// The database's layout and what every call on it needs. Its functions block: they run on a pool's threads.
///
/// - A collection a kind: `{_id: key, revision, body: {…}, nonce}`. `_id` is unique in every collection by MongoDB's own
///   index, which also gives lists their order; no other index is needed. `nonce` is new with every write, so that a
///   writer whose answer was lost knows its own write.
/// - `leases`: `{_id: node id, bootID, bootNumber, renewedAt, validUntil, report: {…}}`, times in milliseconds of the server.
/// - `schema`: `{_id: "schema", version}`, and `{_id: "pulse", at}`, written to see whether writes are acknowledged.
final class MongoDatabase: Sendable {
    static let leases = "leases"
    private static let schema = "schema"
    private static let schemaVersion: Int64 = 1

    let name: String
    let limits: MongoLimits
    private let isChecked = Mutex(false)

    init(name: String, limits: MongoLimits) {
        self.name = name
        self.limits = limits
    }

    /// At first contact: notes the schema's version in a new database and refuses one of a newer version.
    func checkSchema(_ client: borrowing MongoClient) throws {
        if isChecked.withLock({ $0 }) { return }
        let update: BSONValue = [
            "q": ["_id": "schema"], "u": ["$setOnInsert": ["version": .int64(Self.schemaVersion)]], "upsert": true,
        ]
        _ = try write(client, ["update": .string(Self.schema), "updates": [update]])
        let found = try client.find(name, Self.schema, ["_id": "schema"], [:]).first?["version"]?.integer ?? 0
        guard found <= Self.schemaVersion else {
            throw StoreError.refused(
                "the database \(name) has schema \(found), this version knows up to \(Self.schemaVersion). "
                    + "Run the newer version again"
            )
        }
        isChecked.withLock { $0 = true }
    }

    /// The server's clock, which is the one `$$NOW` shows.
    func now(_ client: borrowing MongoClient) throws -> Int64 {
        let answer = try client.read("admin", ["hello": 1])
        guard case .dateTime(let milliseconds)? = answer["localTime"] else {
            throw StoreError.unavailable("MongoDB does not tell its time")
        }
        return milliseconds
    }

    /// A primary that lost its majority tells the time and takes writes that it will have to forget: only a write that a
    /// majority acknowledged shows that others would be.
    func writePulse(_ client: borrowing MongoClient) throws {
        let update: BSONValue = [
            "q": ["_id": "pulse"], "u": [["$set": ["at": "$$NOW"]]], "upsert": true,
        ]
        let reply = try write(client, ["update": .string(Self.schema), "updates": [update]])
        // Two control planes that make it at the same time.
        for failure in failures(reply) where !failure.isDuplicateKey { throw failure }
    }

    func write(_ client: borrowing MongoClient, _ command: BSONDocument) throws -> BSONDocument {
        try client.write(name, command, millisecondsMax: limits.answerMillisecondsMax)
    }

    /// The errors of single writes in a reply.
    func failures(_ reply: BSONDocument) -> [MongoError] {
        (reply["writeErrors"]?.array ?? []).compactMap { $0.document.map { MongoError($0) } }
    }

    func document(_ json: [UInt8], of what: String) throws(StoreError) -> BSONDocument {
        do {
            return try JSONParser.object(json)
        } catch {
            throw .refused("the JSON of \(what) cannot be stored: \(error.reason)")
        }
    }

    func json(_ value: BSONValue?, of what: String) throws(StoreError) -> [UInt8] {
        guard let json = value?.document?.json else { throw .corrupt("\(what): no JSON object in it") }
        return json
    }
}

extension RecordKind {
    var collection: String {
        switch self {
        case .node: "nodes"
        case .stream: "streams"
        case .group: "groups"
        case .app: "apps"
        case .scaling: "scaling"
        case .webhook: "webhooks"
        case .recording: "recordings"
        case .answer: "answers"
        case .cluster: "clusterFacts"
        }
    }

    init?(collection: String) {
        guard let kind = RecordKind.allCases.first(where: { $0.collection == collection }) else { return nil }
        self = kind
    }
}
