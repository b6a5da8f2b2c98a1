/// Where `--store` points.
package enum StoreLocation: Hashable, Sendable, CustomStringConvertible {
    case sqlite(path: String)
    /// A connection string; it may hold credentials and is never logged.
    case mongodb(uri: String)

    package static let `default` = StoreLocation.sqlite(path: "./millrace.db")

    /// `description` is one sentence for the person who set it.
    package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        package var description: String
    }

    private static let defaultPort = 27017
    private static let allowed = "allowed is sqlite:PATH, mongodb://…, mongodb+srv://…, or a host or IP address with an optional port"

    package init(_ text: String) throws(Fault) {
        if let path = text.dropping(prefix: "sqlite:") {
            guard !path.isEmpty else { throw Fault(description: "--store is '\(text)' without a path; \(Self.allowed)") }
            self = .sqlite(path: path)
        } else if text.hasPrefix("mongodb://") || text.hasPrefix("mongodb+srv://") {
            self = .mongodb(uri: text)
        } else if Self.isHost(text) {
            let isBareIPv6 = text.count(where: { $0 == ":" }) > 1 && !text.hasPrefix("[")
            let host = isBareIPv6 ? "[\(text)]" : text
            let hasPort = isBareIPv6 ? false : text.split(separator: "]").last?.contains(":") == true
            self = .mongodb(uri: "mongodb://\(host)\(hasPort ? "" : ":\(Self.defaultPort)")/millrace")
        } else {
            // A value with a scheme may hold a password.
            let shown = text.contains("@") ? "…" : String(text.prefix(80))
            throw Fault(description: "--store is '\(shown)'; \(Self.allowed)")
        }
    }

    /// Without credentials.
    package var description: String {
        switch self {
        case .sqlite(let path): "sqlite:\(path)"
        case .mongodb(let uri):
            uri.contains("@") ? "mongodb://…@\(uri.split(separator: "@").last ?? "")" : uri
        }
    }

    private static func isHost(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
                UInt8(ascii: "["), UInt8(ascii: "]"):
                true
            default: false
            }
        }
    }
}

extension String {
    fileprivate func dropping(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
