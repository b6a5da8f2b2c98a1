/// One `m=` section (RFC 8866 §5.14) with what JSEP puts in it (RFC 9429 §5).
package struct MediaDescription: Hashable, Sendable {
    /// `audio`, `video`, `application` and others.
    package var kind: String
    /// 0 refuses the line, unless it is bundle-only; 9 stands for "as the candidates say".
    package var port: UInt16
    /// `UDP/TLS/RTP/SAVPF` in WebRTC.
    package var protocolName: String
    /// Payload types, or what else the protocol names formats by; in order of preference.
    package var formats: [String]

    package var title: String?
    package var connection: String?
    package var bandwidths: [Bandwidth] = []
    package var mid: String?
    package var direction = Direction.sendReceive
    package var isBundleOnly = false
    package var transport = TransportAttributes()
    package var candidates: [CandidateAttribute] = []
    package var endOfCandidates = false
    package var rtcpMux = false
    package var rtcpMuxOnly = false
    package var rtcpReducedSize = false
    package var allowsMixedExtensions = false
    package var headerExtensions: [HeaderExtension] = []
    /// In the order of `formats`.
    package var codecs: [Codec] = []
    package var streams: [MediaStreamIdentification] = []
    package var sources: [Source] = []
    package var sourceGroups: [SourceGroup] = []
    package var rids: [RestrictionIdentifier] = []
    package var simulcast: Simulcast?
    /// What is not known here, as it came.
    package var otherAttributes: [String] = []

    package init(_ kind: String, port: UInt16 = 9, protocolName: String = Self.webRTCProtocol, formats: [String] = []) {
        self.kind = kind
        self.port = port
        self.protocolName = protocolName
        self.formats = formats
    }

    package static let webRTCProtocol = "UDP/TLS/RTP/SAVPF"

    package var isRejected: Bool { port == 0 && !isBundleOnly }

    package func codec(_ payloadType: UInt8) -> Codec? { codecs.first { $0.payloadType == payloadType } }

    /// The SSRC that retransmits for this one.
    package func retransmissionSSRC(for ssrc: UInt32) -> UInt32? {
        sourceGroups.first { $0.semantics == "FID" && $0.ssrcs.first == ssrc && $0.ssrcs.count == 2 }?.ssrcs[1]
    }
}

/// `b=`: `AS` in kilobits a second, `TIAS` in bits (RFC 8866 §5.8, RFC 3890).
package struct Bandwidth: Hashable, Sendable {
    package var kind: String
    package var value: UInt64

    package init(_ kind: String, _ value: UInt64) {
        self.kind = kind
        self.value = value
    }

    init?(_ text: Substring) {
        guard let (kind, value) = text.halves(at: ":"), let value = UInt64(digits: value) else { return nil }
        self.init(String(kind), value)
    }
}
