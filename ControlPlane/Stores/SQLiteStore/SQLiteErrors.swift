import Domain
import GRDB

extension StoreError {
    /// What an error of SQLite means to the caller; result codes are those of https://www.sqlite.org/rescode.html.
    init(sqlite error: any Error, path: String) {
        if error is RowDecodingError {
            self = .corrupt("\(path): \(error)")
            return
        }
        guard let error = error as? DatabaseError else {
            self = .unavailable("\(path): \(error)")
            return
        }
        let reason = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_NOTADB:
            self = .refused("\(path) is not a database (\(reason)). Move the file away or name another")
        case .SQLITE_CORRUPT:
            self = .corrupt("\(path): \(reason). Restore a backup or move the file away")
        case .SQLITE_FULL:
            self = .unavailable(
                "\(path): the disk is full, or the file as large as it may be. Writes work again when there is space"
            )
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self = .refused("\(path) cannot be written (\(reason)). Check the rights of the file and its directory")
        case .SQLITE_CANTOPEN:
            self = .refused("\(path) cannot be opened (\(reason)). Its directory must exist and be writable")
        case .SQLITE_TOOBIG:
            self = .refused("\(path): the record is larger than SQLite stores")
        default:
            self = .unavailable("\(path): \(reason) (\(error.extendedResultCode))")
        }
    }
}
