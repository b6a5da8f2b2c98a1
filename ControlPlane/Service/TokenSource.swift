import API
import Crypto
import Glibc

import class Foundation.FileManager

/// Where the bearer tokens come from: the settings, or the files of an earlier start; else they are made now and kept.
struct TokenSource {
    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    struct Token {
        var value: String
        /// Set when it was made just now: where it is kept from here on.
        var newFile: String?
    }

    /// 32 bytes are beyond guessing.
    private static let bytes = 32
    private static let charactersMin = 16

    /// Beside an embedded store; the working directory when the store is elsewhere.
    var directory: String

    /// `given` comes from the settings.
    func token(_ role: AccessRole, given: String?) throws(Fault) -> Token {
        if let given { return Token(value: given) }
        let file = "\(directory)/millrace-\(role.rawValue).token"
        if let text = Self.read(file) { return Token(value: try checked(text, file)) }
        let made = Self.make()
        try write(made, to: file)
        return Token(value: made, newFile: file)
    }

    private func checked(_ text: String, _ file: String) throws(Fault) -> String {
        let words = text.split { $0.isWhitespace }
        guard words.count == 1, let word = words.first, word.utf8.count >= Self.charactersMin else {
            throw Fault(
                description: "\(file) does not hold one token of \(Self.charactersMin) and more characters; "
                    + "mend it, or delete it to have a new one made"
            )
        }
        return String(word)
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func make() -> String {
        SymmetricKey(size: SymmetricKeySize(bitCount: bytes * 8)).withUnsafeBytes { bytes in
            bytes.map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
        }
    }

    /// Readable by this user alone from the first moment.
    private func write(_ token: String, to path: String) throws(Fault) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            throw Fault(description: "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array((token + "\n").utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Fault(description: "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
