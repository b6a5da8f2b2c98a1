import ICE
import Testing

import struct NIOCore.ByteBuffer

/// The messages of RFC 5769 §2: the codec's only witness besides itself.
enum StunVector {
    static let password = "VOkJxbRl1RmTxUk/WvJxBt"
    static let id = StunTransactionID(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE)

    static let request = hex(
        """
        0001 0058 2112A442 B7E7A701BC34D686FA87DFAE
        8022 0010 5354554E207465737420636C69656E74
        0024 0004 6E0001FF
        8029 0008 932FF9B151263B36
        0006 0009 6576746A3A68367659 202020
        0008 0014 9AEAA70CBFD8CB56781EF2B5B2D3F249C1B571A2
        8028 0004 E57A3BCF
        """
    )
    static let requestMessage = StunMessage(
        .request,
        transactionID: id,
        attributes: [
            .software("STUN test client"), .priority(0x6E00_01FF), .iceControlled(0x932F_F9B1_5126_3B36),
            .username("evtj:h6vY"),
        ]
    )

    static let responseV4 = hex(
        """
        0101 003C 2112A442 B7E7A701BC34D686FA87DFAE
        8022 000B 7465737420766563746F72 20
        0020 0008 0001A147E112A643
        0008 0014 2B91F599FD9E90C38C7489F92AF9BA53F06BE7D7
        8028 0004 C07D4C96
        """
    )
    static let responseV4Message = StunMessage(
        .success,
        transactionID: id,
        attributes: [.software("test vector"), .xorMappedAddress(address("192.0.2.1", 32_853))]
    )

    static let responseV6 = hex(
        """
        0101 0048 2112A442 B7E7A701BC34D686FA87DFAE
        8022 000B 7465737420766563746F72 20
        0020 0014 0002A1470113A9FAA5D3F179BC25F4B5BED2B9D9
        0008 0014 A382954E4BE67BF11784C97C8292C275BFE3ED41
        8028 0004 C8FB0B4C
        """
    )
    static let responseV6Message = StunMessage(
        .success,
        transactionID: id,
        attributes: [
            .software("test vector"), .xorMappedAddress(address("2001:db8:1234:5678:11:2233:4455:6677", 32_853)),
        ]
    )

    /// Signed with a long-term key, which ICE does not use, and without FINGERPRINT.
    static let longTerm = hex(
        """
        0001 0060 2112A442 78AD3433C6AD72C029DA412E
        0006 0012 E3839EE38388E383AAE38383E382AFE382B9 0000
        0015 001C 662F2F3439396B39353464364F4C33346F4C39465354767936347341
        0014 000B 6578616D706C652E6F7267 00
        0008 0014 F67024656DD64A3E02B8E0712E85C9A28CA89666
        """
    )

    static let all: [(bytes: ByteBuffer, message: StunMessage)] = [
        (request, requestMessage), (responseV4, responseV4Message), (responseV6, responseV6Message),
    ]
}

@Suite struct StunMessageTests {
    @Test(arguments: 0..<3)
    func `A message of RFC 5769 is read, and its seals hold`(index: Int) throws {
        let vector = StunVector.all[index]
        let received = try ReceivedStunMessage(decoding: vector.bytes)
        #expect(received.message == vector.message)
        #expect(received.hasFingerprint)
        #expect(received.isSigned(with: StunVector.password))
        #expect(!received.isSigned(with: StunVector.password + "x"))
    }

    @Test func `A name in Japanese is read`() throws {
        let received = try ReceivedStunMessage(decoding: StunVector.longTerm)
        #expect(received.message.username == "マトリックス")
        #expect(received.message.attributes.contains(.realm("example.org")))
        #expect(received.message.attributes.contains(.nonce("f//499k954d6OL34oL9FSTvy64sA")))
        #expect(!received.hasFingerprint)
        #expect(!received.isSigned(with: "TheMatrIX"))
    }

    /// The RFC pads with blanks and we with zeros, so messages without padding are compared in bytes.
    @Test func `A message is written as RFC 5769 has it`() throws {
        let address = address("192.0.2.1", 32_853)
        let written = StunMessage(.success, transactionID: StunVector.id, attributes: [.xorMappedAddress(address)])
            .encoded(signedWith: nil, withFingerprint: false)
        #expect(written == hex("0101 000C 2112A442 B7E7A701BC34D686FA87DFAE 0020 0008 0001A147E112A643"))
    }

    static let everyAttribute: [StunAttribute] = [
        .mappedAddress(address("198.51.100.7", 1)), .mappedAddress(address("2001:db8::1", 65_535)),
        .xorMappedAddress(address("203.0.113.9", 40_000)), .xorMappedAddress(address("fe80::1", 9)),
        .username("ab:cd"), .username(""), .realm("r"), .nonce("nonce"), .software("server 1"),
        .errorCode(.roleConflict), .errorCode(StunErrorCode(699, "")), .unknownAttributes([0x0030, 0x7FFF, 0x0001]),
        .unknownAttributes([]), .priority(0xFFFF_FFFF), .useCandidate, .iceControlled(.max), .iceControlling(0),
        .other(type: 0x0030, value: ByteBuffer(bytes: [1, 2, 3])), .other(type: 0xC057, value: ByteBuffer()),
    ]

    @Test(arguments: everyAttribute)
    func `What is written reads the same`(attribute: StunAttribute) throws {
        let message = StunMessage(.request, transactionID: StunVector.id, attributes: [attribute])
        let received = try ReceivedStunMessage(decoding: message.encoded(signedWith: "secret"))
        #expect(received.message == message)
        #expect(received.isSigned(with: "secret"))
        #expect(received.hasFingerprint)
    }

    @Test(arguments: [StunMessage.Class.request, .indication, .success, .error], [UInt16(1), 0x0FF, 0xF0F, 0xFFF])
    func `Class and method keep apart`(messageClass: StunMessage.Class, method: UInt16) throws {
        let message = StunMessage(messageClass, method: method, transactionID: StunVector.id)
        #expect(try ReceivedStunMessage(decoding: message.encoded(signedWith: nil)).message == message)
    }

    @Test func `A message cut short anywhere is refused`() {
        let bytes = Array(StunVector.request.readableBytesView)
        for count in 0..<bytes.count {
            #expect(throws: StunError.self, "\(count) bytes") {
                try ReceivedStunMessage(decoding: ByteBuffer(bytes: bytes[..<count]))
            }
        }
    }

    @Test func `No bit can be flipped unnoticed`() {
        let bytes = Array(StunVector.request.readableBytesView)
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let received = try? ReceivedStunMessage(decoding: ByteBuffer(bytes: damaged))
            // One bit changes FINGERPRINT's own type: then the rest is still signed as it was.
            guard let received else { continue }
            #expect(bit / 8 >= bytes.count - 8, "bit \(bit)")
            #expect(received.message == StunVector.requestMessage)
        }
    }

    @Test func `What is added behind the signature is not read`() throws {
        let signed = StunVector.requestMessage.encoded(signedWith: StunVector.password, withFingerprint: false)
        var bytes = Array(signed.readableBytesView) + [0x00, 0x25, 0x00, 0x00]
        bytes[3] += 4
        let received = try ReceivedStunMessage(decoding: ByteBuffer(bytes: bytes))
        #expect(!received.message.usesCandidate)
        #expect(received.isSigned(with: StunVector.password))
    }

    struct Hostile: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: ByteBuffer
        var error: StunError
        var testDescription: String { name }

        init(_ name: String, _ attributes: String, _ error: StunError) {
            let attributes = hex(attributes)
            var bytes = ByteBuffer(integer: UInt16(1))
            bytes.writeInteger(UInt16(attributes.readableBytes))
            bytes.writeImmutableBuffer(hex("2112A442 000000000000000000000001"))
            bytes.writeImmutableBuffer(attributes)
            (self.name, self.bytes, self.error) = (name, bytes, error)
        }
    }

    @Test(arguments: [
        Hostile("a value longer than the message", "0006 FFFF 00000000", .malformedAttribute(type: 6)),
        Hostile("an address of no family", "0020 0008 0003 0001 00000000", .malformedAttribute(type: 0x20)),
        Hostile("an IPv6 address of four bytes", "0020 0008 0002 0001 00000000", .malformedAttribute(type: 0x20)),
        Hostile(
            "an IPv4 address of sixteen",
            "0001 0014 0001 0001" + String(repeating: "00", count: 16),
            .malformedAttribute(type: 1)
        ),
        Hostile("a priority of three bytes", "0024 0003 000000 00", .malformedAttribute(type: 0x24)),
        Hostile("a flag with a value", "0025 0004 00000000", .malformedAttribute(type: 0x25)),
        Hostile("error 200", "0009 0004 00000200", .malformedAttribute(type: 9)),
        Hostile("error 399 and more", "0009 0004 00000364", .malformedAttribute(type: 9)),
        Hostile("an odd list of types", "000A 0003 000102 00", .malformedAttribute(type: 0x0A)),
        Hostile("a short signature", "0008 0010 " + String(repeating: "00", count: 16), .malformedAttribute(type: 8)),
        Hostile("a name that is not UTF-8", "0006 0002 C328 0000", .malformedAttribute(type: 6)),
        Hostile("a wrong fingerprint", "8028 0004 00000000", .wrongFingerprint),
        Hostile("33 attributes", String(repeating: "C057 0000", count: 33), .tooManyAttributes(limit: 32)),
        Hostile(
            "a name of 509 bytes",
            "0006 01FD " + String(repeating: "41", count: 512),
            .malformedAttribute(type: 6)
        ),
        Hostile("1,284 bytes", "C057 04EC " + String(repeating: "00", count: 1260), .tooLong(bytes: 1284, limit: 1280)),
    ])
    func `A hostile message is refused with its reason`(hostile: Hostile) {
        #expect(throws: hostile.error) { try ReceivedStunMessage(decoding: hostile.bytes) }
    }

    @Test(arguments: [
        "", "00", "0001 0000 2112A443 000000000000000000000001", "C001 0000 2112A442 000000000000000000000001",
    ])
    func `What is not STUN is said to be that`(bytes: String) {
        #expect(throws: StunError.notStun) { try ReceivedStunMessage(decoding: hex(bytes)) }
    }
}
