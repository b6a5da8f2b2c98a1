package import ClusterModel
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

    private static let srtLatencyDefault = Duration.milliseconds(200)

    package init(_ url: String) throws(OutsideURL.Fault) {
        let parts = try OutsideURL.parts(of: url)
        switch parts.scheme {
        case "http", "https": self = .hls(url: url)
        case "rtmp", "rtmps":
            guard let name = parts.path.last else { throw .noStreamName }
            let app = parts.path.dropLast().joined(separator: "/")
            let stream = StreamAddress(app: app, name: name, query: String(parts.query))
            self = .rtmp(RTMP(host: parts.host, port: parts.port, isTLS: parts.scheme == "rtmps", stream: stream))
        case "srt":
            let fields = Self.fields(parts.query)
            let latency = fields["latency"].flatMap(Int64.init).map { Duration.milliseconds($0) }
            self = .srt(
                SRT(
                    host: parts.host,
                    port: parts.port,
                    streamID: fields["streamid"] ?? "",
                    passphrase: fields["passphrase"].map { Redacted($0) },
                    latency: min(max(latency ?? Self.srtLatencyDefault, .milliseconds(20)), .seconds(8))
                )
            )
        default: throw .scheme(parts.scheme)
        }
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
