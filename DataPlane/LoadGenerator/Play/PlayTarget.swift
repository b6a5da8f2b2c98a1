import NIOCore

/// What is played, as a URL names it: `rtmp://host:port/app/id?query` or `http://host:port/path?query`.
package struct PlayTarget: Hashable, Sendable {
    package struct BadURL: Error, CustomStringConvertible {
        let text: String
        package var description: String {
            "\"\(text)\" is not allowed; allowed is rtmp://HOST[:PORT]/APP/ID or http://HOST[:PORT]/PATH"
        }
    }

    package var scheme: String
    package var host: String
    package var port: Int
    /// With the slash in front and without the query.
    package var path: String
    package var query: String

    package init(_ text: String) throws(BadURL) {
        guard let mark = text.range(of: "://"), let slash = text[mark.upperBound...].firstIndex(of: "/") else {
            throw BadURL(text: text)
        }
        scheme = text[..<mark.lowerBound].lowercased()
        guard let defaultPort = ["rtmp": 1935, "http": 80][scheme] else { throw BadURL(text: text) }
        let authority = text[mark.upperBound..<slash]
        var port: Int? = defaultPort
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            port = Int(authority[authority.index(after: colon)...])
            host = String(authority[..<colon])
        } else {
            host = String(authority)
        }
        host = host.trimmingBrackets
        guard let port, (1...65535).contains(port), !host.isEmpty else { throw BadURL(text: text) }
        self.port = port
        let rest = text[slash...]
        let question = rest.firstIndex(of: "?") ?? rest.endIndex
        path = String(rest[..<question])
        query = String(rest[question...].dropFirst())
    }

    /// Where a redirect leads: to a URL, or to a path of the same host (RFC 9110 §10.2.2).
    package func moved(to place: String) throws(BadURL) -> PlayTarget {
        try PlayTarget(place.hasPrefix("/") ? "\(scheme)://\(authority)\(place)" : place)
    }

    /// As `Host` and `tcUrl` want it.
    var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == (scheme == "rtmp" ? 1935 : 80) ? host : "\(host):\(port)"
    }

    var app: String { String(path.split(separator: "/").first ?? "") }
    var name: String { path.split(separator: "/").dropFirst().joined(separator: "/") }

    func address() throws -> SocketAddress { try SocketAddress.makeAddressResolvingHost(host, port: port) }

    func request(for path: String, query: String? = nil) -> ByteBuffer {
        let query = query ?? self.query
        let target = query.isEmpty ? path : "\(path)?\(query)"
        return ByteBuffer(string: "GET \(target) HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: millrace-bench\r\n\r\n")
    }

    func post(_ body: String, type: String) -> ByteBuffer {
        let target = query.isEmpty ? path : "\(path)?\(query)"
        let head = "POST \(target) HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: millrace-bench\r\n"
        return ByteBuffer(string: "\(head)Content-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

extension String {
    fileprivate func range(of mark: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(mark) { return start..<index(start, offsetBy: mark.count) }
            start = index(after: start)
        }
        return nil
    }

    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
