package import Domain
import MongoStore
import SQLiteStore

extension StoreAddress {
    /// Opens the store; an embedded one that another process holds is refused here.
    package func open() throws(StoreError) -> any ClusterStore {
        switch self {
        case .sqlite(let path): try SQLiteStore(path: path)
        case .mongodb(let uri): try MongoStore(uri: uri)
        }
    }

    /// Where the tokens are kept that were made at the first start.
    package var tokenDirectory: String {
        guard case .sqlite(let path) = self, let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
