import Glibc
import NIOCore
import NIOHTTP1
package import NIOPosix
import Synchronization

/// The recordings' files of this node, read on threads that may wait for the disk.
package struct RecordedFiles: Sendable {
    /// A file that is open as long as somebody reads it. Also one that is removed meanwhile is read to its end.
    final class File: Sendable {
        let size: Int
        /// Changes whenever the file does.
        let tag: String
        private let descriptor: CInt

        init?(_ path: String) {
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
            var status = stat()
            guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
                if descriptor >= 0 { close(descriptor) }
                return nil
            }
            self.descriptor = descriptor
            size = Int(status.st_size)
            tag = "\"\(status.st_ino)-\(status.st_size)-\(status.st_mtim.tv_sec)\""
        }

        deinit { close(descriptor) }

        /// Nil when the disk failed.
        func read(_ range: Range<Int>) -> ByteBuffer? {
            var buffer = ByteBufferAllocator().buffer(capacity: range.count)
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { space in
                max(0, pread(descriptor, space.baseAddress, range.count, off_t(range.lowerBound)))
            }
            return buffer.readableBytes > 0 ? buffer : nil
        }
    }

    private let path: @Sendable (_ app: String, _ name: String) -> String
    private let threads: NIOThreadPool

    package init(threads: NIOThreadPool, path: @escaping @Sendable (_ app: String, _ name: String) -> String) {
        self.threads = threads
        self.path = path
    }

    func open(app: String, name: String, on loop: any EventLoop) -> EventLoopFuture<File?> {
        threads.runIfActive(eventLoop: loop) { File(path(app, name)) }
    }

    /// The file, or the part of it that the value of a `Range` header asks for.
    func response(_ file: File, range header: String?) -> MediaResponse {
        let range: Range<Int>
        var response = MediaResponse(status: .ok)
        switch ByteRange(header, of: file.size) {
        case .whole: range = 0..<file.size
        case .part(let part):
            range = part
            response.status = .partialContent
            response.headers.add(
                name: "content-range",
                value: "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(file.size)"
            )
        case .unsatisfiable:
            return MediaResponse(status: .rangeNotSatisfiable, headers: ["content-range": "bytes */\(file.size)"])
        }
        response.headers.add(name: "content-type", value: "video/mp4")
        response.headers.add(name: "accept-ranges", value: "bytes")
        response.headers.add(name: "etag", value: file.tag)
        response.rest = Reading(file: file, range: range, threads: threads)
        return response
    }

    /// Reads a file while it is sent.
    private final class Reading: BodySource {
        /// Read ahead of the socket.
        private static let pieceBytes = 256 << 10

        private let file: File
        private let threads: NIOThreadPool
        private let left: Mutex<Range<Int>>
        let byteCount: Int?

        init(file: File, range: Range<Int>, threads: NIOThreadPool) {
            self.file = file
            self.threads = threads
            left = Mutex(range)
            byteCount = range.count
        }

        func nextPiece(on loop: any EventLoop) -> EventLoopFuture<ByteBuffer?> {
            let range = left.withLock { $0 }
            guard !range.isEmpty else { return loop.makeSucceededFuture(nil) }
            return threads.runIfActive(eventLoop: loop) {
                guard let piece = self.file.read(range.prefix(Self.pieceBytes)) else { throw Unreadable() }
                self.left.withLock { $0 = range.dropFirst(piece.readableBytes) }
                return piece
            }
        }
    }

    private struct Unreadable: Error {}
}
