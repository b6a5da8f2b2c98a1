import Domain
import MongoStore
import Testing

@Suite struct MongoAddressTests {
    @Test(arguments: [
        ("mongodb://127.0.0.1:27017", "MongoDB 127.0.0.1:27017/millrace"),
        ("mongodb://a:1,b:2/cluster?replicaSet=r", "MongoDB a:1,b:2/cluster"),
        ("mongodb://user:sesame@db.example.org/x?authSource=admin", "MongoDB db.example.org:27017/x"),
    ])
    func `a store is described by its hosts and database alone`(uri: String, description: String) async throws {
        let store = try MongoStore(uri: uri)
        #expect(store.description == description)
        await store.close()
    }

    @Test(arguments: [
        "", "postgres://h/db", "mongodb://", "mongodb://user:sesame@", "mongodb://user:sesame@h:x/y",
        "mongodb://user:ses@me@h/y", "mongodb://user:sesame/x@h",
    ])
    func `a malformed address is refused without showing its password`(uri: String) {
        let result = Result { () throws(StoreError) in try MongoStore(uri: uri) }
        guard case .failure(.refused(let reason)) = result else {
            Issue.record("\(uri) gave \(result)")
            return
        }
        #expect(!reason.contains("ses"))
        #expect(reason.contains("mongodb://"))
    }
}
