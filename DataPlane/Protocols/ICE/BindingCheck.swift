import struct NIOCore.ByteBuffer

/// A connectivity check that came in and was authenticated (RFC 8445 §7.3).
struct BindingCheck {
    enum Role: Equatable {
        case controlling
        case controlled
        /// Neither attribute: an agent of RFC 3489's time.
        case unsaid
    }

    let transactionID: StunTransactionID
    let priority: UInt32
    let nominates: Bool
    /// The sender's.
    let role: Role
    /// Whose password it was signed with, and its answer must be.
    let credentials: ICECredentials

    /// A refused request, with what its answer is signed with: nothing until the sender has shown that it is the peer.
    struct Refused: Error {
        var reason: ICERefusal
        var credentials: ICECredentials?
    }

    /// `accepted` are our own credentials that are good now.
    init(_ received: ReceivedStunMessage, accepting accepted: [ICECredentials]) throws(Refused) {
        let message = received.message
        guard let fragment = message.recipientFragment, received.isSigned else { throw Refused(reason: .unsigned) }
        guard let credentials = accepted.first(where: { $0.userFragment == fragment }) else {
            throw Refused(reason: .unknownUser)
        }
        guard received.isSigned(with: credentials.password) else { throw Refused(reason: .wrongSignature) }
        let unknown = message.unknownRequiredTypes
        guard unknown.isEmpty else { throw Refused(reason: .unknownAttributes(unknown), credentials: credentials) }
        guard let priority = message.priority else {
            throw Refused(reason: .missingPriority, credentials: credentials)
        }
        self.credentials = credentials
        self.priority = priority
        transactionID = message.transactionID
        nominates = message.usesCandidate
        role = message.senderRole
    }

    /// The success response, which tells the sender where its check came from.
    func response(to source: TransportAddress) -> ByteBuffer {
        StunMessage(.success, transactionID: transactionID, attributes: [.xorMappedAddress(source)])
            .encoded(signedWith: credentials.password)
    }
}

extension BindingCheck.Refused {
    /// The error response; nil where nothing is said.
    func response(to request: StunMessage) -> ByteBuffer? {
        guard let code = reason.errorCode else { return nil }
        var attributes = [StunAttribute.errorCode(code)]
        if case .unknownAttributes(let types) = reason { attributes.append(.unknownAttributes(types)) }
        return StunMessage(.error, transactionID: request.transactionID, attributes: attributes)
            .encoded(signedWith: credentials?.password)
    }
}

extension StunMessage {
    fileprivate var senderRole: BindingCheck.Role {
        for attribute in attributes {
            switch attribute {
            case .iceControlling: return .controlling
            case .iceControlled: return .controlled
            case .mappedAddress, .username, .errorCode, .unknownAttributes, .realm, .nonce, .xorMappedAddress,
                .priority, .useCandidate, .software, .other:
                continue
            }
        }
        return .unsaid
    }
}
