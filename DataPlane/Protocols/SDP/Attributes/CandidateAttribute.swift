/// `candidate:` of RFC 8839 §5.1, as it stands in a description, in a trickle fragment, and alone in browsers' JSON.
///
/// The address stays text: it may be a name that only multicast DNS knows, and a server that needs no candidates of its
/// peer never reads it.
package struct CandidateAttribute: Hashable, Sendable {
    package struct Extension: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var foundation: String
    /// 1 is RTP, with RTCP in it under rtcp-mux.
    package var component: UInt16
    /// `udp` or `tcp`, in lower case.
    package var transport: String
    package var priority: UInt32
    package var address: String
    package var port: UInt16
    /// `host`, `srflx`, `prflx` or `relay`.
    package var kind: String
    package var relatedAddress: String?
    package var relatedPort: UInt16?
    /// `active`, `passive` or `so` (RFC 6544 §4.5).
    package var tcpType: String?
    package var extensions: [Extension] = []

    package init(
        foundation: String,
        component: UInt16 = 1,
        transport: String,
        priority: UInt32,
        address: String,
        port: UInt16,
        kind: String,
        tcpType: String? = nil
    ) {
        self.foundation = foundation
        self.component = component
        self.transport = transport
        self.priority = priority
        self.address = address
        self.port = port
        self.kind = kind
        self.tcpType = tcpType
    }

    /// What stands behind `a=`, or behind `candidate:` of it.
    package init?(_ text: some StringProtocol) {
        let text = Substring(text)
        let words = (text.hasPrefix("candidate:") ? text.dropFirst(10) : text).words
        guard words.count >= 8, words.count.isMultiple(of: 2), words[6] == "typ",
            let component = UInt16(digits: words[1]), let priority = UInt32(digits: words[3]),
            let port = UInt16(digits: words[5])
        else { return nil }
        self.init(
            foundation: String(words[0]),
            component: component,
            transport: words[2].lowercased(),
            priority: priority,
            address: String(words[4]),
            port: port,
            kind: String(words[7])
        )
        for index in stride(from: 8, to: words.count, by: 2) {
            let (name, value) = (words[index], words[index + 1])
            switch name {
            case "raddr": relatedAddress = String(value)
            case "rport": relatedPort = UInt16(digits: value)
            case "tcptype": tcpType = String(value)
            default: extensions.append(Extension(String(name), String(value)))
            }
        }
    }

    /// With `candidate:` in front, as browsers take it.
    package var text: String {
        var text = "candidate:\(foundation) \(component) \(transport) \(priority) \(address) \(port) typ \(kind)"
        if let relatedAddress { text += " raddr \(relatedAddress)" }
        if let relatedPort { text += " rport \(relatedPort)" }
        if let tcpType { text += " tcptype \(tcpType)" }
        for each in extensions { text += " \(each.name) \(each.value)" }
        return text
    }
}
