import Bytes

package import struct NIOCore.ByteBuffer

/// A message as it came from the network: readable and with a right FINGERPRINT if any, not yet authenticated.
package struct ReceivedStunMessage: Sendable {
    private struct Signature: Sendable {
        var digest: [UInt8]
        /// From the header to the end of what is signed; the length field ends behind MESSAGE-INTEGRITY.
        var bytes: [UInt8]
    }

    /// With the attributes that stand before MESSAGE-INTEGRITY; those behind it are nobody's word (RFC 8489 §14.5).
    package private(set) var message: StunMessage
    package private(set) var hasFingerprint = false
    private var signature: Signature?

    package var isSigned: Bool { signature != nil }

    package init(decoding datagram: ByteBuffer, limits: ICELimits = ICELimits()) throws(StunError) {
        guard datagram.readableBytes <= limits.stunMessageBytesMax else {
            throw .tooLong(bytes: datagram.readableBytes, limit: limits.stunMessageBytesMax)
        }
        var reader = ByteReader(datagram)
        message = try Self.header(&reader)
        var attributeCount = 0
        while !reader.isEmpty {
            attributeCount += 1
            guard attributeCount <= limits.stunAttributeCountMax else {
                throw .tooManyAttributes(limit: limits.stunAttributeCountMax)
            }
            try readAttribute(&reader, of: datagram)
        }
    }

    /// Whether MESSAGE-INTEGRITY was made with this password.
    package func isSigned(with password: String) -> Bool {
        guard let signature else { return false }
        return StunIntegrity.isValid(signature.digest, of: signature.bytes, password: password)
    }

    private static func header(_ reader: inout ByteReader) throws(StunError) -> StunMessage {
        do {
            let type: UInt16 = try reader.integer()
            let length: UInt16 = try reader.integer()
            let cookie: UInt32 = try reader.integer()
            let id = StunTransactionID(high: try reader.integer(), low: try reader.integer())
            guard cookie == StunMessage.magicCookie, Int(length) == reader.count, length & 3 == 0 else {
                throw StunError.notStun
            }
            return try StunMessage(type: type, transactionID: id)
        } catch { throw .notStun }
    }

    private mutating func readAttribute(_ reader: inout ByteReader, of datagram: ByteBuffer) throws(StunError) {
        let start = datagram.readableBytes - reader.count
        let (type, value) = try Self.attribute(&reader)
        // Nothing may follow the seal over all of it (RFC 8489 §14.7).
        guard !hasFingerprint else { throw .malformedAttribute(type: StunAttribute.Code.fingerprint) }
        switch type {
        case StunAttribute.Code.fingerprint: try check(fingerprint: value, of: datagram, upTo: start)
        case _ where isSigned: return
        case StunAttribute.Code.messageIntegrity:
            guard value.readableBytes == 20 else { throw .malformedAttribute(type: type) }
            var bytes = Array(datagram.readableBytesView.prefix(start))
            let length = start - StunMessage.headerLength + 24
            (bytes[2], bytes[3]) = (UInt8(length >> 8), UInt8(length & 0xFF))
            signature = Signature(digest: Array(value.readableBytesView), bytes: bytes)
        default:
            message.attributes.append(
                try StunAttribute(type: type, value: value, transactionID: message.transactionID)
            )
        }
    }

    private static func attribute(_ reader: inout ByteReader) throws(StunError) -> (UInt16, ByteBuffer) {
        var type: UInt16 = 0
        do {
            type = try reader.integer()
            let length: UInt16 = try reader.integer()
            let value = try reader.slice(Int(length))
            try reader.skip(-Int(length) & 3)
            return (type, value)
        } catch { throw .malformedAttribute(type: type) }
    }

    private mutating func check(
        fingerprint value: ByteBuffer,
        of datagram: ByteBuffer,
        upTo end: Int
    ) throws(StunError) {
        guard value.readableBytes == 4, let checksum = value.getInteger(at: value.readerIndex, as: UInt32.self) else {
            throw .malformedAttribute(type: StunAttribute.Code.fingerprint)
        }
        guard checksum == StunIntegrity.fingerprint(of: datagram.readableBytesView.prefix(end)) else {
            throw .wrongFingerprint
        }
        hasFingerprint = true
    }
}

extension StunMessage {
    package var username: String? { first { if case .username(let name) = $0 { name } else { nil } } }
    package var priority: UInt32? { first { if case .priority(let value) = $0 { value } else { nil } } }
    package var errorCode: StunErrorCode? { first { if case .errorCode(let error) = $0 { error } else { nil } } }
    package var mappedAddress: TransportAddress? {
        first { if case .xorMappedAddress(let address) = $0 { address } else { nil } }
    }
    package var usesCandidate: Bool { attributes.contains(.useCandidate) }
    package var unknownRequiredTypes: [UInt16] { attributes.compactMap(\.unknownRequiredType) }

    /// The fragment of the agent a check is for: what stands before the colon of USERNAME (RFC 8445 §7.2.2).
    package var recipientFragment: Substring? {
        username.flatMap { $0.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first }
    }

    /// Of several attributes of one type the first counts (RFC 8489 §14).
    private func first<Value>(_ select: (StunAttribute) -> Value?) -> Value? {
        for attribute in attributes { if let value = select(attribute) { return value } }
        return nil
    }
}
