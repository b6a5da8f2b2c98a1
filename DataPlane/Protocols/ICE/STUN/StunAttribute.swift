import Bytes

package import struct NIOCore.ByteBuffer

/// The attributes that a message's content is made of. MESSAGE-INTEGRITY and FINGERPRINT seal it and stand beside it,
/// in `ReceivedStunMessage` and in `StunMessage.encoded`.
package enum StunAttribute: Hashable, Sendable {
    case mappedAddress(TransportAddress)
    case username(String)
    case errorCode(StunErrorCode)
    case unknownAttributes([UInt16])
    case realm(String)
    case nonce(String)
    case xorMappedAddress(TransportAddress)
    /// PRIORITY: what the sender's end of the pair will have as a peer-reflexive candidate (RFC 8445 §7.1.1).
    case priority(UInt32)
    case useCandidate
    case software(String)
    /// The tie-breaker of an agent that thinks it is controlled.
    case iceControlled(UInt64)
    case iceControlling(UInt64)
    case other(type: UInt16, value: ByteBuffer)

    /// RFC 8489 §18.3, RFC 8445 §16.1.
    enum Code {
        static let mappedAddress: UInt16 = 0x0001
        static let username: UInt16 = 0x0006
        static let messageIntegrity: UInt16 = 0x0008
        static let errorCode: UInt16 = 0x0009
        static let unknownAttributes: UInt16 = 0x000A
        static let realm: UInt16 = 0x0014
        static let nonce: UInt16 = 0x0015
        static let xorMappedAddress: UInt16 = 0x0020
        static let priority: UInt16 = 0x0024
        static let useCandidate: UInt16 = 0x0025
        static let software: UInt16 = 0x8022
        static let fingerprint: UInt16 = 0x8028
        static let iceControlled: UInt16 = 0x8029
        static let iceControlling: UInt16 = 0x802A
    }

    package var type: UInt16 {
        switch self {
        case .mappedAddress: Code.mappedAddress
        case .username: Code.username
        case .errorCode: Code.errorCode
        case .unknownAttributes: Code.unknownAttributes
        case .realm: Code.realm
        case .nonce: Code.nonce
        case .xorMappedAddress: Code.xorMappedAddress
        case .priority: Code.priority
        case .useCandidate: Code.useCandidate
        case .software: Code.software
        case .iceControlled: Code.iceControlled
        case .iceControlling: Code.iceControlling
        case .other(let type, _): type
        }
    }

    /// The type, when whoever does not know it must refuse the request (RFC 8489 §14).
    package var unknownRequiredType: UInt16? {
        guard case .other(let type, _) = self, type < 0x8000 else { return nil }
        return type
    }

    init(type: UInt16, value: ByteBuffer, transactionID: StunTransactionID) throws(StunError) {
        do {
            var reader = ByteReader(value)
            self = try Self.decode(type, value, &reader, transactionID)
        } catch { throw .malformedAttribute(type: type) }
    }

    private static func decode(
        _ type: UInt16,
        _ value: ByteBuffer,
        _ reader: inout ByteReader,
        _ transactionID: StunTransactionID
    ) throws -> Self {
        switch type {
        case Code.mappedAddress: .mappedAddress(try address(&reader))
        case Code.username: .username(try text(&reader, bytesMax: 508))
        case Code.errorCode: .errorCode(try errorCode(&reader))
        case Code.unknownAttributes: .unknownAttributes(try types(&reader))
        case Code.realm: .realm(try text(&reader, bytesMax: 763))
        case Code.nonce: .nonce(try text(&reader, bytesMax: 763))
        case Code.xorMappedAddress: .xorMappedAddress(try address(&reader).masked(by: transactionID))
        case Code.priority: .priority(try whole(&reader))
        case Code.useCandidate: try empty(&reader, .useCandidate)
        case Code.software: .software(try text(&reader, bytesMax: 763))
        case Code.iceControlled: .iceControlled(try whole(&reader))
        case Code.iceControlling: .iceControlling(try whole(&reader))
        default: .other(type: type, value: value)
        }
    }

    func encodeValue(into buffer: inout ByteBuffer, transactionID: StunTransactionID) {
        switch self {
        case .mappedAddress(let address): Self.write(address, into: &buffer)
        case .xorMappedAddress(let address): Self.write(address.masked(by: transactionID), into: &buffer)
        case .username(let text), .realm(let text), .nonce(let text), .software(let text): buffer.writeString(text)
        case .errorCode(let error):
            buffer.writeInteger(UInt32(error.code / 100) << 8 | UInt32(error.code % 100))
            buffer.writeString(error.reason)
        case .unknownAttributes(let types): for type in types { buffer.writeInteger(type) }
        case .priority(let priority): buffer.writeInteger(priority)
        case .useCandidate: break
        case .iceControlled(let tieBreaker), .iceControlling(let tieBreaker): buffer.writeInteger(tieBreaker)
        case .other(_, let value): buffer.writeImmutableBuffer(value)
        }
    }

    // MARK: Fields

    /// `0 | family | port | address` (RFC 8489 §14.1).
    private static func address(_ reader: inout ByteReader) throws -> TransportAddress {
        try reader.skip(1)
        let family: UInt8 = try reader.integer()
        let port: UInt16 = try reader.integer()
        let ip: IPAddress
        switch family {
        case 1: ip = .v4(try reader.integer())
        case 2:
            let high: UInt64 = try reader.integer()
            ip = .v6(high: high, low: try reader.integer())
        default: throw ByteReader.Underflow()
        }
        guard reader.isEmpty else { throw ByteReader.Underflow() }
        return TransportAddress(ip, port)
    }

    private static func write(_ address: TransportAddress, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt16(address.ip.isV4 ? 1 : 2))
        buffer.writeInteger(address.port)
        switch address.ip {
        case .v4(let ip): buffer.writeInteger(ip)
        case .v6(let high, let low):
            buffer.writeInteger(high)
            buffer.writeInteger(low)
        }
    }

    /// 21 reserved bits, the hundreds in 3, the rest in 8, then the reason (RFC 8489 §14.8).
    private static func errorCode(_ reader: inout ByteReader) throws -> StunErrorCode {
        let bits: UInt32 = try reader.integer()
        let (hundreds, rest) = (UInt16(bits >> 8 & 7), UInt16(bits & 0xFF))
        guard 3...6 ~= hundreds, rest <= 99 else { throw ByteReader.Underflow() }
        return StunErrorCode(hundreds * 100 + rest, try text(&reader, bytesMax: 763))
    }

    private static func types(_ reader: inout ByteReader) throws -> [UInt16] {
        var types: [UInt16] = []
        while !reader.isEmpty { types.append(try reader.integer()) }
        return types
    }

    private static func text(_ reader: inout ByteReader, bytesMax: Int) throws -> String {
        guard reader.count <= bytesMax else { throw ByteReader.Underflow() }
        let bytes = reader.rest().readableBytesView
        let text = String(decoding: bytes, as: UTF8.self)
        // A repaired text would not be the one that was signed.
        guard text.utf8.elementsEqual(bytes) else { throw ByteReader.Underflow() }
        return text
    }

    private static func empty(_ reader: inout ByteReader, _ attribute: Self) throws -> Self {
        guard reader.isEmpty else { throw ByteReader.Underflow() }
        return attribute
    }

    private static func whole<T: FixedWidthInteger>(_ reader: inout ByteReader) throws -> T {
        let value: T = try reader.integer()
        guard reader.isEmpty else { throw ByteReader.Underflow() }
        return value
    }
}

extension TransportAddress {
    /// XOR with the magic cookie, and for IPv6 the transaction ID behind it (RFC 8489 §14.2); its own inverse.
    fileprivate func masked(by id: StunTransactionID) -> Self {
        let port = port ^ UInt16(StunMessage.magicCookie >> 16)
        return switch ip {
        case .v4(let ip): Self(.v4(ip ^ StunMessage.magicCookie), port)
        case .v6(let high, let low):
            Self(.v6(high: high ^ (UInt64(StunMessage.magicCookie) << 32 | UInt64(id.high)), low: low ^ id.low), port)
        }
    }
}
