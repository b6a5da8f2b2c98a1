/// An offer or an answer (RFC 8866, with the parts of JSEP, RFC 9429).
///
/// Reading is strict about what a session stands on (mids, credentials, fingerprints, codecs) and keeps the rest as it
/// came; what was read and is written again reads the same.
package struct SessionDescription: Hashable, Sendable {
    package struct Origin: Hashable, Sendable {
        package var username = "-"
        package var sessionID: UInt64
        package var sessionVersion: UInt64
        /// `IN IP4 0.0.0.0` and the like; WebRTC does not use it.
        package var address = "IN IP4 0.0.0.0"

        package init(sessionID: UInt64, sessionVersion: UInt64) {
            self.sessionID = sessionID
            self.sessionVersion = sessionVersion
        }
    }

    /// Media lines that belong together (RFC 5888); `BUNDLE` ones share a transport.
    package struct Group: Hashable, Sendable {
        package var semantics: String
        package var mids: [String]

        package init(_ semantics: String, _ mids: [String]) {
            self.semantics = semantics
            self.mids = mids
        }
    }

    package var origin: Origin
    package var name = "-"
    package var connection: String?
    package var bandwidths: [Bandwidth] = []
    package var timing = "0 0"
    package var groups: [Group] = []
    package var isICELite = false
    package var transport = TransportAttributes()
    package var allowsMixedExtensions = false
    package var headerExtensions: [HeaderExtension] = []
    /// What is not known here, as it came.
    package var otherAttributes: [String] = []
    package var media: [MediaDescription] = []

    package init(origin: Origin) { self.origin = origin }

    /// With what is said for the whole session where the line says nothing.
    package func transport(of media: MediaDescription) -> TransportAttributes { media.transport.inheriting(transport) }

    /// The mids that share the first transport; nil when nothing is bundled.
    package var bundle: [String]? { groups.first { $0.semantics == "BUNDLE" }?.mids }
}

extension SessionDescription {
    package var text: String {
        var writer = SDPWriter()
        writer.line("v", "0")
        writer.line("o", "\(origin.username) \(origin.sessionID) \(origin.sessionVersion) \(origin.address)")
        writer.line("s", name)
        if let connection { writer.line("c", connection) }
        for bandwidth in bandwidths { writer.line("b", "\(bandwidth.kind):\(bandwidth.value)") }
        writer.line("t", timing)
        writer.flag("ice-lite", isICELite)
        for group in groups { writer.attribute("group", group.text) }
        writer.flag("extmap-allow-mixed", allowsMixedExtensions)
        for each in headerExtensions { writer.attribute("extmap", each.text) }
        transport.write(to: &writer)
        for attribute in otherAttributes { writer.line("a", attribute) }
        for each in media { each.write(to: &writer) }
        return writer.text
    }
}

extension SessionDescription.Group {
    init(_ value: Substring) {
        let words = value.words.map(String.init)
        self.init(words.first ?? "", Array(words.dropFirst()))
    }

    var text: String { ([semantics] + mids).joined(separator: " ") }
}

extension MediaDescription {
    fileprivate func write(to writer: inout SDPWriter) {
        writer.line("m", ([kind, String(port), protocolName] + formats).joined(separator: " "))
        if let title { writer.line("i", title) }
        if let connection { writer.line("c", connection) }
        for bandwidth in bandwidths { writer.line("b", "\(bandwidth.kind):\(bandwidth.value)") }
        if let mid { writer.attribute("mid", mid) }
        transport.write(to: &writer)
        writer.line("a", direction.rawValue)
        writer.flag("bundle-only", isBundleOnly)
        writer.flag("rtcp-mux", rtcpMux)
        writer.flag("rtcp-mux-only", rtcpMuxOnly)
        writer.flag("rtcp-rsize", rtcpReducedSize)
        writer.flag("extmap-allow-mixed", allowsMixedExtensions)
        for each in headerExtensions { writer.attribute("extmap", each.text) }
        for codec in codecs { codec.write(to: &writer) }
        for rid in rids { writer.attribute("rid", rid.text) }
        if let simulcast { writer.attribute("simulcast", simulcast.text) }
        for stream in streams { writer.attribute("msid", stream.text) }
        for group in sourceGroups { writer.attribute("ssrc-group", group.text) }
        for source in sources { source.write(to: &writer) }
        for attribute in otherAttributes { writer.line("a", attribute) }
        for candidate in candidates { writer.line("a", candidate.text) }
        writer.flag("end-of-candidates", endOfCandidates)
    }
}

extension Source {
    fileprivate func write(to writer: inout SDPWriter) {
        for attribute in attributes {
            writer.attribute("ssrc", "\(ssrc) \(attribute.name)" + (attribute.value.map { ":" + $0 } ?? ""))
        }
    }
}
