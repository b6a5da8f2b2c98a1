import CMongoC
import Domain

/// An error of libmongoc, or of the server through it.
struct MongoError: Error, Sendable {
    var domain: UInt32
    /// The server's code where `isFromServer`.
    var code: UInt32
    var message: String
    var labels: [String] = []

    var isFromServer: Bool { domain == MONGOC_ERROR_SERVER.rawValue }
    var isDuplicateKey: Bool { isFromServer && code == 11000 }

    /// The answer was lost on its way: what was asked may have been done.
    var isLostAnswer: Bool {
        domain == MONGOC_ERROR_STREAM.rawValue || (isFromServer && (isTransient || code == 64))
    }

    init(_ error: bson_error_t, reply: BSONDocument? = nil) {
        domain = error.domain
        code = error.code
        message = withUnsafePointer(to: error) { String(cString: millrace_error_message($0)) }
        labels = reply?["errorLabels"]?.array?.compactMap(\.string) ?? []
    }

    init(code: Int64, message: String) {
        domain = MONGOC_ERROR_SERVER.rawValue
        self.code = UInt32(truncatingIfNeeded: code)
        self.message = message
    }

    /// Codes of src/mongo/base/error_codes.yml that say "not now" or "not here": no primary, stepping down, shutting down,
    /// a time limit, a broken connection between servers, a conflict inside the server.
    private static let transientCodes: Set<UInt32> = [
        6, 7, 50, 64, 89, 91, 112, 189, 202, 262, 317, 9001, 10107, 11600, 11602, 13435, 13436,
    ]

    private var isTransient: Bool {
        Self.transientCodes.contains(code) || labels.contains("RetryableWriteError")
            || labels.contains("TransientTransactionError")
    }
}

extension StoreError {
    init(_ error: MongoError) {
        let isLogin =
            error.domain == MONGOC_ERROR_CLIENT.rawValue && error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue
        if isLogin || (error.isFromServer && [13, 18].contains(error.code)) {
            self = .refused(
                "MongoDB refuses user or password: \(error.message). Check the address's user and its roles"
            )
        } else if error.isFromServer, !error.isLostAnswer {
            self = .refused("MongoDB answers: \(error.message) (code \(error.code))")
        } else {
            self = .unavailable("MongoDB: \(error.message)")
        }
    }

    init(_ error: BSONError) {
        self = .unavailable("MongoDB answers what is not BSON: \(error.reason)")
    }
}
