import CMongoC

/// The changes of a database since the stream was opened or since a resume token.
struct MongoChangeStream: ~Copyable {
    private let stream: OpaquePointer?

    init(
        _ client: borrowing MongoClient,
        _ database: String,
        pipeline: [BSONValue],
        resumeAfter token: BSONDocument?,
        millisecondsPerRequest: Int64
    ) {
        let handle = mongoc_client_get_database(client.raw, database)
        defer { mongoc_database_destroy(handle) }
        let pipeline = CDocument(["pipeline": .array(pipeline)])
        var options: BSONDocument = [
            "maxAwaitTimeMS": .int64(millisecondsPerRequest), "fullDocument": "updateLookup",
        ]
        if let token { options.fields.append(BSONDocument.Field(key: "resumeAfter", value: .document(token))) }
        let encoded = CDocument(options)
        stream = mongoc_database_watch(handle, pipeline.raw, encoded.raw)
    }

    deinit { mongoc_change_stream_destroy(stream) }

    /// The next change, or nil when there was none for a while.
    func next() throws -> BSONDocument? {
        var event: OpaquePointer?
        if mongoc_change_stream_next(stream, &event) { return try BSONDocument(copying: event) }
        var error = bson_error_t()
        var reply: OpaquePointer?
        guard mongoc_change_stream_error_document(stream, &error, &reply) else { return nil }
        throw MongoError(error, reply: reply.flatMap { try? BSONDocument(copying: $0) })
    }

    /// Where to go on after what `next` has returned.
    var resumeToken: BSONDocument? {
        mongoc_change_stream_get_resume_token(stream).flatMap { try? BSONDocument(copying: $0) }
    }
}
