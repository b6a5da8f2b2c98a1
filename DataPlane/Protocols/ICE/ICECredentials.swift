/// The fragment and password of one agent in one generation (RFC 8445 §5.3). The password is never described.
package struct ICECredentials: Hashable, Sendable, CustomStringConvertible {
    package let userFragment: String
    package let password: String

    /// Nil unless both have the form of RFC 8839 §5.4: 4 to 256 and 22 to 256 letters, digits, `+` and `/`.
    package init?(userFragment: String, password: String) {
        guard 4...256 ~= userFragment.utf8.count, 22...256 ~= password.utf8.count,
            userFragment.utf8.allSatisfy(Self.isICECharacter), password.utf8.allSatisfy(Self.isICECharacter)
        else { return nil }
        self.userFragment = userFragment
        self.password = password
    }

    /// New ones: 48 bits of fragment, so that many sessions on one port tell their checks apart, 144 of password.
    package init(using random: inout some RandomNumberGenerator) {
        userFragment = Self.text(8, using: &random)
        password = Self.text(24, using: &random)
    }

    package var description: String { "\(userFragment):<password>" }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func isICECharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    private static func text(_ count: Int, using random: inout some RandomNumberGenerator) -> String {
        var bits = random.next()
        var left = 10
        var bytes: [UInt8] = []
        while bytes.count < count {
            if left == 0 { (bits, left) = (random.next(), 10) }
            bytes.append(alphabet[Int(bits & 63)])
            (bits, left) = (bits >> 6, left - 1)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
