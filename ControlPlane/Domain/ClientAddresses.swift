package import ClusterModel

/// A way for a client to publish or play.
package enum AssignedProtocol: String, CaseIterable, Sendable {
    case rtmp
    case rtmps
    case srt
    case webrtc
    case hls
    case dash
    case httpFlv

    package func isServed(at addresses: NodeAddresses) -> Bool {
        switch self {
        case .rtmp: addresses.rtmp != nil
        case .rtmps: addresses.rtmps != nil
        case .srt: addresses.srt != nil
        case .webrtc: addresses.webrtc != nil && addresses.webURL != nil
        case .hls, .dash, .httpFlv: addresses.webURL != nil
        }
    }

    /// Players alone use these.
    package var isForPlayersOnly: Bool {
        switch self {
        case .hls, .dash, .httpFlv: true
        case .rtmp, .rtmps, .srt, .webrtc: false
        }
    }
}

extension NodeAddresses {
    /// The client host as URLs write it: IPv6 in brackets.
    package var urlHost: String { clientHost.contains(":") ? "[\(clientHost)]" : clientHost }

    /// Where clients reach it over HTTPS, or over HTTP when that is all it has.
    package var webURL: String? {
        https.map { "https://\(urlHost):\($0)" } ?? http.map { "http://\(urlHost):\($0)" }
    }

    /// The same for WebSockets.
    package var webSocketURL: String? {
        https.map { "wss://\(urlHost):\($0)" } ?? http.map { "ws://\(urlHost):\($0)" }
    }
}

/// The client URLs of a stream on a node.
package enum StreamURLs {
    package static func all(
        of stream: StreamID,
        on addresses: NodeAddresses,
        for purpose: ClusterState.Purpose
    ) -> [String: String] {
        let host = addresses.urlHost
        let (app, id) = (stream.app, stream.id)
        var urls: [String: String] = [:]
        urls["rtmp"] = addresses.rtmp.map { "rtmp://\(host):\($0)/\(app)/\(id)" }
        urls["rtmps"] = addresses.rtmps.map { "rtmps://\(host):\($0)/\(app)/\(id)" }
        let request = purpose == .publish ? "%23!::r=\(app)/\(id),m=publish" : "\(app)/\(id)"
        urls["srt"] = addresses.srt.map { "srt://\(host):\($0)?streamid=\(request)" }
        let web = addresses.webURL
        let rendezvous = purpose == .publish ? "whip" : "whep"
        if addresses.webrtc != nil { urls["webrtc"] = web.map { "\($0)/\(app)/\(rendezvous)/\(id)" } }
        guard purpose == .play, let web else { return urls }
        urls["httpFlv"] = "\(web)/\(app)/streams/\(id).flv"
        urls["hls"] = "\(web)/\(app)/streams/\(id).m3u8"
        urls["dash"] = "\(web)/\(app)/streams/\(id)/\(id).mpd"
        return urls
    }
}
