import Glibc
import NIOCore
package import Recording

/// Why a recording cannot go on.
package enum RecorderFault: Error, Hashable, Sendable, CustomStringConvertible {
    case diskFull(String)
    case cannotWrite(String)
    case diskTooSlow(bytes: Int)
    case overLimit(bytes: Int)
    case recording(RecordingFault)

    package var description: String {
        switch self {
        case .diskFull(let path): "no room is left for '\(path)': free some, or let fewer recordings be kept"
        case .cannotWrite(let reason): "the recording cannot be written (\(reason))"
        case .diskTooSlow(let bytes): "the disk is \(bytes >> 20) MiB behind the stream and does not catch up"
        case .overLimit(let bytes):
            "all recordings together reach --recordings-max-size (\(bytes >> 20) MiB), and none of them may go: raise it, or "
                + "remove some"
        case .recording(let fault): fault.description
        }
    }

    static func system(_ operation: String, _ path: String) -> RecorderFault {
        let code = errno
        if code == ENOSPC || code == EDQUOT { return .diskFull(path) }
        return .cannotWrite("\(operation) \(path): \(String(cString: strerror(code)))")
    }
}

/// A recording's file. All calls wait for the disk: never on an event loop.
struct RecordingFile: ~Copyable {
    private let descriptor: CInt
    private let path: String
    /// What was written whole; a write that failed halfway is cut off again.
    private(set) var bytes: UInt64

    init(creating path: String) throws(RecorderFault) {
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .system("create", path) }
        self.path = path
        bytes = 0
    }

    init(opening path: String) throws(RecorderFault) {
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path) }
        self.path = path
        bytes = UInt64(max(0, lseek(descriptor, 0, SEEK_END)))
    }

    deinit { close(descriptor) }

    /// On the disk when it returns: what a power cut takes is no more than what a crash does.
    mutating func append(_ piece: ByteBuffer) throws(RecorderFault) {
        do throws(RecorderFault) {
            try write(piece, at: bytes)
            guard fdatasync(descriptor) == 0 else { throw .system("sync", path) }
        } catch {
            ftruncate(descriptor, off_t(bytes))
            throw error
        }
        bytes += UInt64(piece.readableBytes)
    }

    /// Makes a plain MP4 of it. Returns its duration in milliseconds.
    mutating func finalise() throws(RecorderFault) -> Int64 {
        guard let scan = try scanned() else { return 0 }
        guard ftruncate(descriptor, off_t(scan.completeBytes)) == 0 else { throw .system("truncate", path) }
        bytes = scan.completeBytes
        // Without room for its tables it stays a fragmented file, which plays as well.
        guard (try? append(scan.tables)) != nil else { return scan.durationMilliseconds }
        try write(scan.mediaHead, at: scan.placeholder)
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
        return scan.durationMilliseconds
    }

    /// Nil when it is final already.
    private func scanned() throws(RecorderFault) -> ScannedRecording? {
        var scanner = RecordingScanner(fileBytes: bytes)
        do throws(RecordingFault) {
            while let wanted = scanner.wanted {
                guard let piece = read(wanted) else { throw .damaged("it cannot be read") }
                try scanner.receive(piece)
            }
            return scanner.isFinal ? nil : try scanner.result()
        } catch { throw .recording(error) }
    }

    private func read(_ range: Range<UInt64>) -> ByteBuffer? {
        var buffer = ByteBufferAllocator().buffer(capacity: range.count)
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { space in
            max(0, pread(descriptor, space.baseAddress, range.count, off_t(range.lowerBound)))
        }
        return count == range.count ? buffer : nil
    }

    /// Of a file that is final, in milliseconds.
    static func duration(of path: String) -> Int64? {
        guard let file = try? RecordingFile(opening: path) else { return nil }
        var scanner = RecordingScanner(fileBytes: file.bytes)
        while let wanted = scanner.wanted, let piece = file.read(wanted) {
            guard (try? scanner.receive(piece)) != nil else { return nil }
        }
        guard let field = scanner.durationField, let bytes = file.read(field) else { return nil }
        return bytes.getInteger(at: bytes.readerIndex, as: UInt32.self).map(Int64.init)
    }

    private func write(_ piece: ByteBuffer, at offset: UInt64) throws(RecorderFault) {
        var written = 0
        while written < piece.readableBytes {
            let count = piece.withUnsafeReadableBytes { bytes in
                pwrite(
                    descriptor,
                    bytes.baseAddress?.advanced(by: written),
                    bytes.count - written,
                    off_t(offset) + off_t(written)
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("write", path) }
            written += count
        }
    }
}
