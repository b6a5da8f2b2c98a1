import Glibc

/// Why a small file of the operator's could not be read.
package enum FileReadError: Error, Hashable, Sendable, CustomStringConvertible {
    case system(code: Int32)
    case tooLarge(bytesMax: Int)

    package var description: String {
        switch self {
        case .system(let code): String(cString: strerror(code))
        case .tooLarge(let bytesMax): "it is larger than \(bytesMax) bytes"
        }
    }
}

/// Reads a whole file of at most `bytesMax` bytes, with its permission bits.
package func readFile(_ path: String, bytesMax: Int) throws(FileReadError) -> (bytes: [UInt8], mode: UInt32) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(code: errno) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = read(descriptor, &block, block.count)
        guard count >= 0 else { throw .system(code: errno) }
        if count == 0 { return (bytes, status.st_mode & 0o777) }
        bytes.append(contentsOf: block[..<count])
        guard bytes.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
    }
}
