import Crypto

import struct Foundation.Data

/// What a bearer token allows.
package enum AccessRole: String, CaseIterable, Sendable {
    case admin
    case node
}

/// The tokens callers may show. It has no description, so it cannot be logged.
package struct AccessTokens: Sendable {
    private let digests: [(role: AccessRole, digest: SHA256Digest)]

    package init(node: String, admin: String) {
        digests = [(.admin, Self.digest(admin)), (.node, Self.digest(node))]
    }

    /// Compares digests in constant time, and always all of them, so that timing tells nothing of a token.
    func role(of token: String) -> AccessRole? {
        let shown = Self.digest(token)
        var role: AccessRole?
        for known in digests where known.digest == shown { role = role ?? known.role }
        return role
    }

    private static func digest(_ token: String) -> SHA256Digest { SHA256.hash(data: Data(token.utf8)) }
}
