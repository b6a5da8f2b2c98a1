/// A certificate's hash, as `a=fingerprint` tells it (RFC 8122 §5).
package struct CertificateFingerprint: Hashable, Sendable, CustomStringConvertible {
    /// The hash functions that still prove something.
    package enum Algorithm: String, CaseIterable, Hashable, Sendable {
        case sha256 = "sha-256"
        case sha384 = "sha-384"
        case sha512 = "sha-512"

        package var byteCount: Int {
            switch self {
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }
    }

    package let algorithm: Algorithm
    package let bytes: [UInt8]

    /// Nil when the length is not the hash's.
    package init?(algorithm: Algorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// `sha-256 4A:AD:B9:…`, in either case.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, let algorithm = Algorithm(rawValue: words[0].lowercased()) else { return nil }
        let pairs = words[1].split(separator: ":", omittingEmptySubsequences: false)
        let bytes = pairs.compactMap { $0.count == 2 ? UInt8($0, radix: 16) : nil }
        guard bytes.count == pairs.count else { return nil }
        self.init(algorithm: algorithm, bytes: bytes)
    }

    package var description: String {
        let pairs = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        return "\(algorithm.rawValue) \(pairs.joined(separator: ":"))"
    }
}
