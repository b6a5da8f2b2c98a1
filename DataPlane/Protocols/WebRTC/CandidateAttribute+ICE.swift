package import ICE
package import SDP

extension CandidateAttribute {
    package init(_ candidate: Candidate) {
        self.init(
            foundation: candidate.foundation,
            transport: candidate.transport.rawValue,
            priority: candidate.priority,
            address: candidate.address.ip.description,
            port: candidate.address.port,
            kind: candidate.kind.rawValue,
            tcpType: candidate.tcpType?.rawValue
        )
        // RFC 8839 §5.1: whoever is reflexive names its base; nobody's business here, but the grammar wants one.
        if candidate.kind != .host { (relatedAddress, relatedPort) = ("0.0.0.0", 0) }
    }
}

extension Candidate {
    /// Nil for names, for transports that ICE does not know, and for components of their own.
    package init?(_ attribute: CandidateAttribute) {
        guard attribute.component == 1, let kind = Kind(rawValue: attribute.kind),
            let transport = TransportPath.Transport(rawValue: attribute.transport),
            let address = TransportAddress(attribute.address, port: attribute.port)
        else { return nil }
        self.init(
            kind,
            transport,
            address,
            tcpType: attribute.tcpType.flatMap(TCPType.init(rawValue:)),
            priority: attribute.priority,
            foundation: attribute.foundation
        )
    }
}
