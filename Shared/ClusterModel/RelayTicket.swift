import Crypto
package import Timebase

import struct Foundation.Data

/// Shows a parent that its child may pull a stream: `base64url(claims).base64url(HMAC-SHA256)`.
///
/// The key is derived from the node token, which the control plane and every worker hold. The control plane mints one with
/// each route; a worker that cannot reach the control plane mints its own for a parent it already knows.
package struct RelayTicket: Hashable, Sendable {
    package enum Refusal: Error, Equatable, Sendable {
        case malformed
        case badSignature
        case expired
        case otherStream
    }

    /// Long enough for a connect with retries and for clocks that differ by some seconds.
    package static let lifetime = Duration.seconds(60)

    package var stream: StreamID
    package var child: String
    package var expiresAt: WallTime

    package init(stream: StreamID, child: String, expiresAt: WallTime) {
        self.stream = stream
        self.child = child
        self.expiresAt = expiresAt
    }

    package func signed(with key: RelayKey) -> String {
        let claims = "\(stream.app)/\(stream.id)/\(child)/\(expiresAt.milliseconds)"
        return "\(Base64URL.encode(Array(claims.utf8))).\(Base64URL.encode(key.authenticationCode(for: claims)))"
    }

    /// Reads and checks a ticket that a child showed for `stream`.
    package static func verify(
        _ text: String,
        for stream: StreamID,
        with key: RelayKey,
        at now: WallTime
    ) throws(Refusal) -> RelayTicket {
        let halves = text.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count == 2, let claimBytes = Base64URL.decode(String(halves[0])),
            let code = Base64URL.decode(String(halves[1]))
        else { throw .malformed }
        let claims = String(decoding: claimBytes, as: UTF8.self)
        guard key.isValid(code, for: claims) else { throw .badSignature }
        let fields = claims.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 4, let expiry = Int64(fields[3]) else { throw .malformed }
        guard fields[0] == stream.app, fields[1] == stream.id else { throw .otherStream }
        let ticket = RelayTicket(stream: stream, child: fields[2], expiresAt: WallTime(milliseconds: expiry))
        guard now <= ticket.expiresAt else { throw .expired }
        return ticket
    }
}

/// The secret that signs relay tickets, derived from the node token. It has no description, so it cannot be logged.
package struct RelayKey: Sendable {
    private let key: SymmetricKey

    package init(nodeToken: String) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Data(nodeToken.utf8)),
            info: Data("millrace relay ticket".utf8),
            outputByteCount: 32
        )
    }

    fileprivate func authenticationCode(for text: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
    }

    fileprivate func isValid(_ code: [UInt8], for text: String) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(Data(code), authenticating: Data(text.utf8), using: key)
    }
}

/// RFC 4648 §5, without padding.
package enum Base64URL {
    package static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    package static func decode(_ text: String) -> [UInt8]? {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return Data(base64Encoded: standard + padding).map(Array.init)
    }
}
