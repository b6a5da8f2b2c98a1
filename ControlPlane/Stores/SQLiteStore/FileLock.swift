import Domain
import Foundation
import Glibc
import Synchronization

/// Keeps a file for one process: an advisory lock on a file beside it, which the kernel gives back when the process dies.
///
/// The lock's file stays: were it removed, two processes could each lock one of that name.
final class FileLock: Sendable {
    private let descriptor: Mutex<Int32?>

    init(path: String) throws(StoreError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw .refused(
                "cannot open the lock file \(path): \(Self.reason()). The store's directory must exist and be writable"
            )
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno == EWOULDBLOCK ? "held by process \(Self.holder(opened))" : Self.reason()
            Glibc.close(opened)
            throw .refused(
                "cannot lock \(path): \(reason). Only one control plane may use a file; several need MongoDB"
            )
        }
        descriptor = Mutex(opened)
        let name = Array("\(getpid())\n".utf8)
        _ = ftruncate(opened, 0)
        _ = pwrite(opened, name, name.count, 0)
    }

    deinit { release() }

    func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor {
                // Said aloud, because a child that is just being started may hold a copy until its exec.
                _ = flock(open, LOCK_UN)
                Glibc.close(open)
            }
            descriptor = nil
        }
    }

    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(count, 0)).prefix { (0x30...0x39).contains($0) }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
