import CMongoC

/// A document in libmongoc's memory.
struct CDocument: ~Copyable {
    let raw: OpaquePointer?

    init(_ document: BSONDocument) {
        raw = document.encoded().withUnsafeBufferPointer { bson_new_from_data($0.baseAddress, $0.count) }
    }

    deinit { bson_destroy(raw) }
}

/// Storage for a document that libmongoc fills in.
struct CReply: ~Copyable {
    let raw: OpaquePointer? = millrace_reply_new()

    func document() throws(BSONError) -> BSONDocument { try BSONDocument(copying: raw) }

    deinit { millrace_reply_free(raw) }
}

extension BSONDocument {
    /// A document of a cursor lives until its next step: this copies.
    init(copying raw: OpaquePointer?) throws(BSONError) {
        guard let raw else { throw BSONError(reason: "nothing") }
        try self.init(
            decoding: UnsafeRawBufferPointer(start: millrace_bson_bytes(raw), count: Int(millrace_bson_count(raw)))
        )
    }
}
