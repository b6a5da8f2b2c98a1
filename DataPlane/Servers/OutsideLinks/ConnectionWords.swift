import Glibc
import NIOCore
import NIOPosix

/// Why a server cannot be reached, in words for whoever gave its address.
enum ConnectionWords {
    static func of(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let last = error.connectionErrors.last { return of(last.error) }
            return "the name \(error.host) is not known (DNS)"
        case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercased()
        case ChannelError.connectTimeout(let limit): return "no answer within \(limit.nanoseconds / 1_000_000_000) s"
        default: return "\(error)"
        }
    }
}
