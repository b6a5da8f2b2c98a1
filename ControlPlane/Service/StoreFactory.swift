package import Domain
import Logging
import MongoStore
import SQLiteStore

package enum StoreFactory {
    /// Opens the store; an embedded one that another process holds is refused here.
    package static func open(_ location: StoreLocation) throws -> any ClusterStore {
        switch location {
        case .sqlite(let path): try SQLiteStore(path: path)
        case .mongodb(let uri): try MongoStore(uri: uri)
        }
    }
}
