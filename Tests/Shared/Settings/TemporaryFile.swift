import Glibc

/// A file that lives as long as the value.
final class TemporaryFile {
    struct CannotWrite: Error { let code: Int32 }

    let path: String

    init(_ text: String, mode: mode_t = 0o600) throws {
        var template = Array("/tmp/millrace-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw CannotWrite(code: errno) }
        defer { close(descriptor) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fchmod(descriptor, mode) == 0 else {
            throw CannotWrite(code: errno)
        }
    }

    deinit { unlink(path) }
}
