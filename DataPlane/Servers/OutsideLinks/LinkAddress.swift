package import Observability
package import RTMP

/// A server outside of the cluster, read off the URL that an operator gave.
package enum LinkAddress: Sendable {
    package struct RTMP: Sendable {
        package var host: String
        package var port: Int
        package var isTLS: Bool
        package var stream: StreamAddress

        /// As `tcUrl` has it: the port only where it is not the scheme's own.
        var authority: String { port == (isTLS ? 443 : 1935) ? host : "\(host):\(port)" }
    }

    package struct SRT: Sendable {
        package var host: String
        package var port: Int
        package var streamID: String
        package var passphrase: Redacted<String>?
        package var latency: Duration
    }

    case rtmp(RTMP)
    case srt(SRT)
    case hls(url: String)

    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case noHost
        case noStreamName
        case scheme(String)

        package var description: String {
            switch self {
            case .noHost: "the URL names no host and port: write scheme://host:port/…"
            case .noStreamName: "an RTMP URL must name app and stream: rtmp://host/app/name"
            case .scheme(let scheme): "\(scheme) is not spoken with servers outside of the cluster"
            }
        }
    }

    private static let srtLatencyDefault = Duration.milliseconds(200)

    package init(_ url: String) throws(Fault) {
        guard let mark = url.firstRange(of: "://") else { throw .noHost }
        let scheme = url[..<mark.lowerBound].lowercased()
        let rest = url[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let behind = rest[authority.endIndex...]
        let path = behind.prefix { $0 != "?" }
        let query = behind[path.endIndex...].dropFirst()
        switch scheme {
        case "http", "https": self = .hls(url: url)
        case "rtmp", "rtmps":
            let isTLS = scheme == "rtmps"
            let (host, port) = try Self.place(authority, standard: isTLS ? 443 : 1935)
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count >= 2, let name = parts.last else { throw .noStreamName }
            let app = parts.dropLast().joined(separator: "/")
            let stream = StreamAddress(app: app, name: name, query: String(query))
            self = .rtmp(RTMP(host: host, port: port, isTLS: isTLS, stream: stream))
        case "srt":
            let (host, port) = try Self.place(authority, standard: nil)
            let fields = Self.fields(query)
            let latency = fields["latency"].flatMap(Int64.init).map { Duration.milliseconds($0) }
            self = .srt(
                SRT(
                    host: host,
                    port: port,
                    streamID: fields["streamid"] ?? "",
                    passphrase: fields["passphrase"].map { Redacted($0) },
                    latency: min(max(latency ?? Self.srtLatencyDefault, .milliseconds(20)), .seconds(8))
                )
            )
        default: throw .scheme(scheme)
        }
    }

    private static func place(_ authority: Substring, standard: Int?) throws(Fault) -> (String, Int) {
        // User and password have no meaning here; an IPv6 address stands in brackets.
        let place = authority.split(separator: "@").last ?? ""
        let isBracketed = place.hasPrefix("[")
        let host = isBracketed ? place.dropFirst().prefix { $0 != "]" } : place.prefix { $0 != ":" }
        let behind = isBracketed ? place[host.endIndex...].dropFirst() : place[host.endIndex...]
        guard !host.isEmpty, behind.isEmpty || behind.first == ":", !isBracketed || place.contains("]") else {
            throw .noHost
        }
        let port = behind.isEmpty ? standard : Int(behind.dropFirst())
        guard let port, (1...65_535).contains(port) else { throw .noHost }
        return (String(host), port)
    }

    private static func fields(_ query: Substring) -> [String: String] {
        let pairs = query.split(separator: "&").compactMap { field -> (String, String)? in
            guard let sign = field.firstIndex(of: "=") else { return nil }
            let value = field[field.index(after: sign)...]
            return (String(field[..<sign]), value.removingEscapes)
        }
        return Dictionary(pairs) { $1 }
    }
}

extension Substring {
    /// `%2C` and the like undone; what is no escape stays (RFC 3986 §2.1).
    fileprivate var removingEscapes: String {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
