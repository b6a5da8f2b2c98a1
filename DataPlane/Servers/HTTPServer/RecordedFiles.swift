import Glibc
import NIOCore
package import NIOPosix

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

    func read(_ range: Range<Int>, of file: File, on loop: any EventLoop) -> EventLoopFuture<ByteBuffer?> {
        threads.runIfActive(eventLoop: loop) { file.read(range) }
    }
}
