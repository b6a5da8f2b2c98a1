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
        package var keyBytes: Int?
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
            let options = try SRTOptions(parts.query)
            self = .srt(
                SRT(
                    host: parts.host,
                    port: parts.port,
                    streamID: options.streamID,
                    passphrase: options.passphrase.map { Redacted($0) },
                    keyBytes: options.keyBytes,
                    latency: options.latencyMilliseconds.map { .milliseconds($0) } ?? Self.srtLatencyDefault
                )
            )
        default: throw .scheme(parts.scheme)
        }
    }
}
