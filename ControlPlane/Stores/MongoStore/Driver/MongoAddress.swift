import CMongoC
import Domain

/// A connection string, with the options that this store's promises need.
struct MongoAddress: ~Copyable {
    let raw: OpaquePointer
    let database: String
    /// Hosts and database, without user, password and options.
    let description: String

    private static let initialized: Void = {
        // What fails is told by the call that fails; the driver's own lines would stand between those of the log.
        mongoc_log_set_handler(nil, nil)
        mongoc_init()
    }()

    init(_ text: String, database: String, limits: MongoLimits) throws(StoreError) {
        _ = Self.initialized
        var error = bson_error_t()
        guard let raw = mongoc_uri_new_with_error(text, &error) else {
            // libmongoc's words may repeat a part of the text, and with it a password.
            throw Self.malformed(text.contains("@") ? "" : ": \(MongoError(error).message)")
        }
        let hosts = Self.hosts(raw)
        // libmongoc takes the rest of a password with an @ in it for a host.
        guard !hosts.contains("@") else {
            mongoc_uri_destroy(raw)
            throw Self.malformed("")
        }
        self.raw = raw
        self.database = mongoc_uri_get_database(raw).map { String(cString: $0) } ?? database
        description = "MongoDB \(hosts)/\(self.database)"
        let timeouts = [
            MONGOC_URI_SERVERSELECTIONTIMEOUTMS, MONGOC_URI_CONNECTTIMEOUTMS, MONGOC_URI_SOCKETTIMEOUTMS,
        ]
        for option in timeouts where !mongoc_uri_has_option(raw, option) {
            mongoc_uri_set_option_as_int32(raw, option, limits.answerMillisecondsMax)
        }
        // A server that comes back is noticed by the next of these; the driver's own 10 s would outlast half a lease.
        if !mongoc_uri_has_option(raw, MONGOC_URI_HEARTBEATFREQUENCYMS) {
            mongoc_uri_set_option_as_int32(raw, MONGOC_URI_HEARTBEATFREQUENCYMS, limits.serverCheckMilliseconds)
        }
        if !mongoc_uri_has_option(raw, MONGOC_URI_APPNAME) { mongoc_uri_set_appname(raw, "millrace-control") }
        // Secondaries lag: a decision must be made on what the primary has.
        let primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY)
        mongoc_uri_set_read_prefs_t(raw, primary)
        mongoc_read_prefs_destroy(primary)
    }

    deinit { mongoc_uri_destroy(raw) }

    private static func malformed(_ reason: String) -> StoreError {
        .refused(
            "the store's address is not mongodb://[user:password@]host:port[,…][/database][?options]\(reason). "
                + "In user and password write @ : / and % as %40 %3A %2F and %25"
        )
    }

    private static func hosts(_ raw: OpaquePointer) -> String {
        var names: [String] = []
        var host = mongoc_uri_get_hosts(raw)
        while let this = host {
            names.append(String(cString: millrace_host_and_port(this)))
            host = UnsafePointer(this.pointee.next)
        }
        return names.joined(separator: ",")
    }
}
