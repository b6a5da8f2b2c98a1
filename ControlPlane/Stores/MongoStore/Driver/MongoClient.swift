import CMongoC

/// A client lent to one call; it cannot be kept. Every function blocks its thread until the server answers.
struct MongoClient: ~Copyable {
    let raw: OpaquePointer

    /// A command that reads, on the primary.
    func read(_ database: String, _ command: BSONDocument) throws -> BSONDocument {
        let command = CDocument(command)
        let reply = CReply()
        var error = bson_error_t()
        guard mongoc_client_read_command_with_opts(raw, database, command.raw, nil, nil, reply.raw, &error) else {
            throw MongoError(error, reply: try? reply.document())
        }
        return try reply.document()
    }

    /// A command that writes. Returns when a majority of the members has it in its journal: less is lost by a failover.
    func write(_ database: String, _ command: BSONDocument, millisecondsMax: Int32) throws -> BSONDocument {
        let command = CDocument(command)
        let concern: BSONValue = ["w": "majority", "j": true, "wtimeout": .int64(Int64(millisecondsMax))]
        let options = CDocument(["writeConcern": concern])
        let reply = CReply()
        var error = bson_error_t()
        guard mongoc_client_write_command_with_opts(raw, database, command.raw, options.raw, reply.raw, &error) else {
            throw MongoError(error, reply: try? reply.document())
        }
        let answer = try reply.document()
        if let failure = answer["writeConcernError"]?.document { throw MongoError(failure) }
        return answer
    }

    /// All documents a query finds.
    func find(
        _ database: String,
        _ collection: String,
        _ filter: BSONDocument,
        _ options: BSONDocument
    ) throws -> [BSONDocument] {
        let handle = mongoc_client_get_collection(raw, database, collection)
        defer { mongoc_collection_destroy(handle) }
        let filter = CDocument(filter)
        let options = CDocument(options)
        let cursor = mongoc_collection_find_with_opts(handle, filter.raw, options.raw, nil)
        defer { mongoc_cursor_destroy(cursor) }
        var documents: [BSONDocument] = []
        var document: OpaquePointer?
        while mongoc_cursor_next(cursor, &document) { documents.append(try BSONDocument(copying: document)) }
        var error = bson_error_t()
        if mongoc_cursor_error(cursor, &error) { throw MongoError(error) }
        return documents
    }
}

extension MongoError {
    /// What a reply holds for one failed write or for a failed write concern.
    init(_ failure: BSONDocument) {
        self.init(code: failure["code"]?.integer ?? 0, message: failure["errmsg"]?.string ?? "no reason given")
    }
}
