/// The hash of the certificate that a peer will show in DTLS (RFC 8122 §5).
package struct Fingerprint: Hashable, Sendable {
    package enum Hash: String, Hashable, Sendable {
        case sha1 = "sha-1"
        case sha256 = "sha-256"
        case sha384 = "sha-384"
        case sha512 = "sha-512"

        var byteCount: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }
    }

    package var hash: Hash
    package var bytes: [UInt8]

    /// Nil unless there are as many bytes as the hash has.
    package init?(_ hash: Hash, _ bytes: [UInt8]) {
        guard bytes.count == hash.byteCount else { return nil }
        self.hash = hash
        self.bytes = bytes
    }

    init?(_ text: Substring) {
        let words = text.words
        guard words.count == 2, let hash = Hash(rawValue: words[0].lowercased()) else { return nil }
        var bytes: [UInt8] = []
        for pair in words[1].parts(at: ":") {
            guard pair.utf8.count == 2, pair.first?.isHexDigit == true, let byte = UInt8(pair, radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        self.init(hash, bytes)
    }

    package var text: String {
        let digits = Array("0123456789ABCDEF")
        let pairs = bytes.map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }
        return "\(hash.rawValue) \(pairs.joined(separator: ":"))"
    }
}

/// Who opens the DTLS association (RFC 4145 §4, RFC 8842).
package enum SetupRole: String, Hashable, Sendable {
    case active
    case passive
    case actpass
    case holdconn
}

/// What describes the transport of a media line, or of all of them at session level.
package struct TransportAttributes: Hashable, Sendable {
    package var userFragment: String?
    package var password: String?
    /// `ice-options`, such as `trickle`.
    package var iceOptions: [String] = []
    /// In a peer's order; a certificate is right when it fits any of the strongest hash we know (RFC 8122 §5).
    package var fingerprints: [Fingerprint] = []
    package var setup: SetupRole?

    package init() {}

    /// What is not said here is as said for the whole session.
    func inheriting(_ session: Self) -> Self {
        var merged = self
        merged.userFragment = userFragment ?? session.userFragment
        merged.password = password ?? session.password
        if iceOptions.isEmpty { merged.iceOptions = session.iceOptions }
        if fingerprints.isEmpty { merged.fingerprints = session.fingerprints }
        merged.setup = setup ?? session.setup
        return merged
    }

    /// True when the attribute was one of these.
    mutating func read(_ line: SDPLine) throws(SDPError) -> Bool {
        let (name, value) = line.attribute
        switch name {
        case "ice-ufrag": userFragment = String(value)
        case "ice-pwd": password = String(value)
        // Between spaces, says RFC 8839 §5.6; libdatachannel, and so OBS, writes a comma.
        case "ice-options": iceOptions = value.split { $0 == " " || $0 == "," }.map(String.init)
        case "fingerprint":
            // A hash of later times is passed over: another line names one that is known, or the check will say so.
            guard let hash = value.words.first?.lowercased(), Fingerprint.Hash(rawValue: hash) != nil else {
                return false
            }
            guard let fingerprint = Fingerprint(value) else { throw line.malformed }
            fingerprints.append(fingerprint)
        case "setup":
            guard let role = SetupRole(rawValue: String(value)) else { throw line.malformed }
            setup = role
        default: return false
        }
        return true
    }

    func write(to writer: inout SDPWriter) {
        if let userFragment { writer.attribute("ice-ufrag", userFragment) }
        if let password { writer.attribute("ice-pwd", password) }
        if !iceOptions.isEmpty { writer.attribute("ice-options", iceOptions.joined(separator: " ")) }
        for fingerprint in fingerprints { writer.attribute("fingerprint", fingerprint.text) }
        if let setup { writer.attribute("setup", setup.rawValue) }
    }
}
