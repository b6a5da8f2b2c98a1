import Crypto

package import struct NIOCore.ByteBuffer

/// A STUN message without its seals (RFC 8489 §5).
///
///     0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     |0 0|     type (method, class)  |             length            |
///     |                     magic cookie 0x2112A442                   |
///     |                      transaction ID (96 bits)                 |
package struct StunMessage: Hashable, Sendable {
    package enum Class: UInt16, Hashable, Sendable {
        case request = 0
        case indication = 1
        case success = 2
        case error = 3
    }

    static let magicCookie: UInt32 = 0x2112_A442
    static let headerLength = 20
    /// The one method ICE uses.
    package static let binding: UInt16 = 1

    package var messageClass: Class
    /// 12 bits.
    package var method: UInt16
    package var transactionID: StunTransactionID
    package var attributes: [StunAttribute]

    package init(
        _ messageClass: Class,
        method: UInt16 = Self.binding,
        transactionID: StunTransactionID,
        attributes: [StunAttribute] = []
    ) {
        self.messageClass = messageClass
        self.method = method
        self.transactionID = transactionID
        self.attributes = attributes
    }

    /// The wire form, with MESSAGE-INTEGRITY when there is a password (a short-term credential, RFC 8489 §9.1.1) and
    /// FINGERPRINT behind it.
    package func encoded(signedWith password: String?, withFingerprint: Bool = true) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(type)
        buffer.writeInteger(UInt16(0))
        buffer.writeInteger(Self.magicCookie)
        buffer.writeInteger(transactionID.high)
        buffer.writeInteger(transactionID.low)
        for attribute in attributes {
            var value = ByteBuffer()
            attribute.encodeValue(into: &value, transactionID: transactionID)
            buffer.writeStunAttribute(attribute.type, value)
        }
        if let password {
            buffer.setStunLength(addingBytes: 24)
            let digest = StunIntegrity.digest(of: buffer.readableBytesView, password: password)
            buffer.writeStunAttribute(StunAttribute.Code.messageIntegrity, ByteBuffer(bytes: digest))
        }
        if withFingerprint {
            buffer.setStunLength(addingBytes: 8)
            let checksum = StunIntegrity.fingerprint(of: buffer.readableBytesView)
            buffer.writeStunAttribute(StunAttribute.Code.fingerprint, ByteBuffer(integer: checksum))
        }
        buffer.setStunLength(addingBytes: 0)
        return buffer
    }

    /// The class's two bits stand in the middle of the method's twelve: `M11…M7 C1 M6…M4 C0 M3…M0`.
    private var type: UInt16 {
        let method = method & 0x0FFF
        let methodBits = method & 0x000F | (method & 0x0070) << 1 | (method & 0x0F80) << 2
        return methodBits | (messageClass.rawValue & 1) << 4 | (messageClass.rawValue & 2) << 7
    }

    init(type: UInt16, transactionID: StunTransactionID) throws(StunError) {
        guard type & 0xC000 == 0, let messageClass = Class(rawValue: type >> 4 & 1 | type >> 7 & 2) else {
            throw .notStun
        }
        let method = type & 0x000F | type >> 1 & 0x0070 | type >> 2 & 0x0F80
        self.init(messageClass, method: method, transactionID: transactionID)
    }
}

/// Ties a response to its request.
package struct StunTransactionID: Hashable, Sendable {
    var high: UInt32
    var low: UInt64

    package init(high: UInt32, low: UInt64) {
        self.high = high
        self.low = low
    }
}

enum StunIntegrity {
    /// HMAC-SHA1 under the password; `bytes` end where MESSAGE-INTEGRITY begins, and their length field counts it.
    static func digest(of bytes: some Sequence<UInt8>, password: String) -> [UInt8] {
        Array(HMAC<Insecure.SHA1>.authenticationCode(for: Array(bytes), using: key(password)))
    }

    /// In a time that does not tell how much of the digest is right.
    static func isValid(_ digest: [UInt8], of bytes: [UInt8], password: String) -> Bool {
        HMAC<Insecure.SHA1>.isValidAuthenticationCode(digest, authenticating: bytes, using: key(password))
    }

    /// The CRC XOR "STUN", so that a protocol with a CRC of its own does not look like STUN (RFC 8489 §14.7).
    static func fingerprint(of bytes: some Sequence<UInt8>) -> UInt32 { CRC32.checksum(of: bytes) ^ 0x5354_554E }

    private static func key(_ password: String) -> SymmetricKey { SymmetricKey(data: Array(password.utf8)) }
}

extension ByteBuffer {
    /// The length field counts what stands behind the header, and what will.
    fileprivate mutating func setStunLength(addingBytes count: Int) {
        let length = UInt16(clamping: readableBytes - StunMessage.headerLength + count)
        setInteger(length, at: readerIndex + 2)
    }

    /// Type, length, value, and zeros up to the next multiple of four.
    fileprivate mutating func writeStunAttribute(_ type: UInt16, _ value: ByteBuffer) {
        writeInteger(type)
        writeInteger(UInt16(clamping: value.readableBytes))
        writeImmutableBuffer(value)
        writeRepeatingByte(0, count: -value.readableBytes & 3)
    }
}
