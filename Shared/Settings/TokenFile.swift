/// A secret kept in a file of its own.
package struct TokenFile: Sendable {
    package static let bytesMax = 4_096

    package let token: String
    /// Set when others than the owner can read the file; to be logged once.
    package let warning: String?

    package init(path: String, setting: String, source: SettingSource) throws(SettingsError) {
        let file: (bytes: [UInt8], mode: UInt32)
        do throws(FileReadError) {
            file = try readFile(path, bytesMax: Self.bytesMax)
        } catch {
            throw .unreadableFile(path: path, source: source, reason: error.description)
        }
        let words = String(decoding: file.bytes, as: UTF8.self).split { $0.isWhitespace }
        guard words.count == 1, let word = words.first else {
            throw .wrongValue(setting: setting, source: source, value: path, allowed: "a file that holds one token")
        }
        token = String(word)
        let mode = String(file.mode, radix: 8)
        warning = file.mode & 0o077 == 0 ? nil : "\(path) has mode \(mode): others can read the token; chmod 600 it"
    }
}
