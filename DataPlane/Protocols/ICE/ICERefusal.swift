package import struct NIOCore.ByteBuffer

/// Why an agent did not act on a STUN message. The message changed nothing; who sent it may be anybody.
package enum ICERefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(StunError)
    /// A request without MESSAGE-INTEGRITY or without USERNAME.
    case unsigned
    /// Signed for an agent that is not this one, or for a generation that is over.
    case unknownUser
    case wrongSignature
    case unknownAttributes([UInt16])
    case missingPriority
    /// The peer says that it has the role that is ours.
    case roleConflict
    /// A response to no open request, or a method that ICE does not use.
    case unexpectedMessage

    /// What the peer is told; nil where nothing is to be said.
    package var errorCode: StunErrorCode? {
        switch self {
        case .malformed, .unexpectedMessage: nil
        case .unsigned, .missingPriority: .badRequest
        case .unknownUser, .wrongSignature: .unauthenticated
        case .unknownAttributes: .unknownAttribute
        case .roleConflict: .roleConflict
        }
    }

    package var description: String {
        switch self {
        case .malformed(let error): error.description
        case .unsigned: "a connectivity check without USERNAME and MESSAGE-INTEGRITY"
        case .unknownUser: "a connectivity check for another agent's user fragment; the peer has an old description"
        case .wrongSignature: "a STUN message whose MESSAGE-INTEGRITY was made with another password"
        case .unknownAttributes(let types):
            "a connectivity check that needs attributes unknown here: "
                + types.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
        case .missingPriority: "a connectivity check without PRIORITY"
        case .roleConflict: "both agents claim one role; the one that is not ICE-lite must control"
        case .unexpectedMessage: "a STUN message that answers nothing, or is no Binding"
        }
    }

    package var label: String {
        switch self {
        case .malformed(let error): error.label
        case .unsigned: "unsigned"
        case .unknownUser: "unknown_user"
        case .wrongSignature: "wrong_signature"
        case .unknownAttributes: "unknown_attributes"
        case .missingPriority: "missing_priority"
        case .roleConflict: "role_conflict"
        case .unexpectedMessage: "unexpected_message"
        }
    }
}

/// Why an agent gave up.
package enum ICEFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// No pair became valid in time.
    case noConnection
    /// The peer's last sign of life on any path is older than consent lasts (RFC 7675).
    case consentExpired
    /// The peer controls too: it is not the kind of agent that a server is.
    case roleConflict

    package var description: String {
        switch self {
        case .noConnection:
            "no connectivity check succeeded in time; see that the port is open for UDP or TCP and the host name is right"
        case .consentExpired: "the peer has not been heard on any path for longer than consent lasts"
        case .roleConflict:
            "the peer insists on controlling, as this agent must; connect to an ICE-lite or controlled one"
        }
    }

    package var label: String {
        switch self {
        case .noConnection: "no_connection"
        case .consentExpired: "consent_expired"
        case .roleConflict: "role_conflict"
        }
    }
}

/// What an agent asks its driver to do.
package enum ICEOutput<Event: Equatable & Sendable>: Equatable, Sendable {
    case transmit(ByteBuffer, on: TransportPath)
    case event(Event)
}
