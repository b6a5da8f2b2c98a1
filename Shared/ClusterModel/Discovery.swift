import Crypto

import struct Foundation.Data

/// How a worker finds a control plane on its LAN: it asks by UDP, multicast and broadcast, and whoever has the same node token
/// answers with its URLs. Both messages are one datagram:
///
///     "MRD1" | kind "?" or "!" | nonce 16 | URLs, a line each (of an answer) | HMAC-SHA256 32
///
/// The answer's code covers the asker's fresh nonce and the URLs, so an old answer or one with other URLs is worth nothing. The
/// question's code keeps strangers from using the control plane as a reflector.
package enum Discovery {
    package static let port = 5070
    /// In the range for an organisation's own use (RFC 2365).
    package static let multicastGroup = "239.255.77.68"
    /// Fits one Ethernet frame.
    package static let datagramBytesMax = 1200
    package static let urlsMax = 8

    private static let magic = Array("MRD1".utf8)
    private static let codeBytes = 32

    package struct Nonce: Hashable, Sendable {
        package static let bytes = 16

        package let bytes: [UInt8]

        package init?(_ bytes: some Collection<UInt8>) {
            guard bytes.count == Self.bytes else { return nil }
            self.bytes = Array(bytes)
        }

        package init(using random: inout some RandomNumberGenerator) {
            bytes = (0..<Self.bytes).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
    }

    /// Derived from the node token. It has no description, so it cannot be logged.
    package struct Key: Sendable {
        private let key: SymmetricKey

        package init(nodeToken: String) {
            key = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: Data(nodeToken.utf8)),
                info: Data("millrace discovery".utf8),
                outputByteCount: 32
            )
        }

        fileprivate func signed(_ content: [UInt8]) -> [UInt8] {
            content + HMAC<SHA256>.authenticationCode(for: Data(content), using: key)
        }

        fileprivate func content(of datagram: [UInt8]) -> [UInt8]? {
            guard datagram.count > codeBytes, datagram.count <= datagramBytesMax else { return nil }
            let content = Array(datagram.dropLast(codeBytes))
            let code = Data(datagram.suffix(codeBytes))
            let isValid = HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Data(content), using: key)
            return isValid ? content : nil
        }
    }

    // MARK: Question

    package static func question(_ nonce: Nonce, _ key: Key) -> [UInt8] {
        key.signed(magic + [UInt8(ascii: "?")] + nonce.bytes)
    }

    /// Nil for anything but a question made with our token.
    package static func nonce(ofQuestion datagram: [UInt8], _ key: Key) -> Nonce? {
        guard let content = key.content(of: datagram), content.starts(with: magic + [UInt8(ascii: "?")]) else {
            return nil
        }
        return Nonce(content.dropFirst(magic.count + 1))
    }

    // MARK: Answer

    package static func answer(to nonce: Nonce, _ urls: [String], _ key: Key) -> [UInt8] {
        let lines = urls.prefix(urlsMax).joined(separator: "\n")
        return key.signed(magic + [UInt8(ascii: "!")] + nonce.bytes + Array(lines.utf8))
    }

    /// Nil for anything but an answer to this very question.
    package static func urls(inAnswer datagram: [UInt8], to nonce: Nonce, _ key: Key) -> [String]? {
        let head = magic + [UInt8(ascii: "!")] + nonce.bytes
        guard let content = key.content(of: datagram), content.starts(with: head) else { return nil }
        let lines = String(decoding: content.dropFirst(head.count), as: UTF8.self).split(separator: "\n")
        let urls = lines.prefix(urlsMax).map(String.init)
        guard !urls.isEmpty, urls.allSatisfy({ $0.hasPrefix("http://") || $0.hasPrefix("https://") }) else {
            return nil
        }
        return urls
    }
}
