/// Who a request really comes from, when proxies stand between.
enum ForwardedFor {
    /// The nearest address that is not one of our proxies: read from the right, because a client can write what it likes to
    /// the left. `header` is `X-Forwarded-For`; it means nothing from a peer that is not trusted.
    static func client(peer: String?, header: String?, isTrusted: (String) -> Bool) -> String? {
        guard let peer, let header, isTrusted(peer) else { return peer }
        let addresses = header.split(separator: ",").map { address in
            String(address.drop { $0 == " " }.prefix { $0 != " " })
        }
        return addresses.last { !isTrusted($0) } ?? addresses.first ?? peer
    }
}
