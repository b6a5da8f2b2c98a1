import Crypto

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL

#if canImport(Glibc)
import Glibc
#endif

/// Where the bearer tokens come from: the environment, a file that was named, or the file of an earlier start; else they are
/// made now.
struct TokenSource {
    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    struct Tokens {
        var node: String
        var admin: String
        /// Made just now, to be shown once.
        var isNew: Bool
        var files: [String]
    }

    private static let charactersMin = 16
    /// 32 bytes are beyond guessing.
    private static let bytes = 32

    var configuration: ControlPlaneConfiguration
    /// Beside an embedded store; in the working directory when the store is elsewhere.
    var directory: String

    func tokens(isTerminal: Bool) throws(Fault) -> Tokens {
        let node = try token(
            "MILLRACE_NODE_TOKEN",
            configuration.nodeToken,
            "--node-token-file",
            configuration.nodeTokenFile,
            "millrace-node.token"
        )
        let admin = try token(
            "MILLRACE_ADMIN_TOKEN",
            configuration.adminToken,
            "--admin-token-file",
            configuration.adminTokenFile,
            "millrace-admin.token"
        )
        guard node.value != admin.value else {
            throw Fault(description: "The node token and the admin token are the same; choose two different ones")
        }
        let files = [node, admin].filter(\.isNew).map(\.file)
        return Tokens(node: node.value, admin: admin.value, isNew: !files.isEmpty, files: files)
    }

    private func token(
        _ variable: String,
        _ value: String?,
        _ flag: String,
        _ namedFile: String?,
        _ fileName: String
    ) throws(Fault) -> (value: String, isNew: Bool, file: String) {
        if let value { return (try checked(value, variable), false, "") }
        if let namedFile {
            guard let text = Self.read(namedFile) else {
                throw Fault(description: "\(flag) is '\(namedFile)', which cannot be read")
            }
            return (try checked(text, flag), false, namedFile)
        }
        let file = "\(directory)/\(fileName)"
        if let text = Self.read(file) { return (try checked(text, file), false, file) }
        let made = Self.make()
        try write(made, to: file)
        return (made, true, file)
    }

    private func checked(_ text: String, _ source: String) throws(Fault) -> String {
        let token = text.trimmingSuffix { $0.isNewline || $0 == " " }
        guard token.utf8.count >= Self.charactersMin, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Fault(
                description: "\(source) holds no usable token; allowed are \(Self.charactersMin) and more printable characters"
            )
        }
        return token
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

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
