/// A STUN or TURN server that clients behind strict firewalls may use to reach this node. We never do ourselves.
package struct ICEServer: Hashable, Sendable {
    /// `stun:host:port`, `turn:host:port?transport=udp` (RFC 7064, RFC 7065).
    package var uri: String
    package var username: String?
    package var credential: String?

    package init(uri: String, username: String? = nil, credential: String? = nil) {
        self.uri = uri
        self.username = username
        self.credential = credential
    }

    /// `stun:…`, or `turn:user:password@…` with the credentials in front of the host. Nil for anything else.
    package init?(parsing text: String) {
        guard let scheme = text.split(separator: ":", maxSplits: 1).first.map(String.init),
            ["stun", "stuns", "turn", "turns"].contains(scheme)
        else { return nil }
        let rest = text.dropFirst(scheme.count + 1)
        guard let at = rest.lastIndex(of: "@") else {
            guard !rest.isEmpty, scheme.hasPrefix("stun") else { return nil }
            self.init(uri: text)
            return
        }
        let user = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let host = rest[rest.index(after: at)...]
        guard user.count == 2, !user[0].isEmpty, !host.isEmpty, scheme.hasPrefix("turn") else { return nil }
        self.init(uri: "\(scheme):\(host)", username: user[0], credential: user[1])
    }

    /// The value of a `Link` field (RFC 9725 §4.6).
    var link: String {
        var value = "<\(uri)>; rel=\"ice-server\""
        if let username { value += "; username=\"\(username.quoted)\"" }
        if let credential { value += "; credential=\"\(credential.quoted)\"; credential-type=\"password\"" }
        return value
    }
}

extension String {
    /// As the inside of a quoted-string (RFC 9110 §5.6.4).
    fileprivate var quoted: String {
        reduce(into: "") { result, character in
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
    }
}
