/// Why a datagram is no STUN message that may be read on.
package enum StunError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Too short, without the magic cookie, or of another length than its header says.
    case notStun
    case tooLong(bytes: Int, limit: Int)
    case tooManyAttributes(limit: Int)
    case malformedAttribute(type: UInt16)
    case wrongFingerprint

    package var description: String {
        switch self {
        case .notStun: "the datagram is not a STUN message: its header does not fit RFC 8489 §5"
        case .tooLong(let bytes, let limit): "a STUN message of \(bytes) bytes; the limit is \(limit)"
        case .tooManyAttributes(let limit): "a STUN message with more than \(limit) attributes"
        case .malformedAttribute(let type): "STUN attribute 0x\(String(type, radix: 16)) cannot be read"
        case .wrongFingerprint: "the STUN message's FINGERPRINT does not fit its bytes: damaged or not STUN"
        }
    }

    package var label: String {
        switch self {
        case .notStun: "not_stun"
        case .tooLong: "stun_too_long"
        case .tooManyAttributes: "too_many_attributes"
        case .malformedAttribute: "malformed_attribute"
        case .wrongFingerprint: "wrong_fingerprint"
        }
    }
}

/// What an error response carries in ERROR-CODE (RFC 8489 §14.8, RFC 8445 §16.2).
package struct StunErrorCode: Hashable, Sendable {
    /// 300 to 699.
    package var code: UInt16
    package var reason: String

    package init(_ code: UInt16, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package static let badRequest = Self(400, "Bad Request")
    package static let unauthenticated = Self(401, "Unauthenticated")
    package static let unknownAttribute = Self(420, "Unknown Attribute")
    package static let roleConflict = Self(487, "Role Conflict")
}
