import Logging
import Synchronization

/// The logger that C code's lines go to, from whatever thread they come.
final class LoggerBox: Sendable {
    private let logger = Mutex<Logger?>(nil)

    func set(_ logger: Logger) { self.logger.withLock { $0 = logger } }

    func log(_ line: String) {
        let logger = logger.withLock { $0 }
        logger?.info("libsrt: \(line.trimmed)")
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last?.isNewline == true || text.last == " " { text.removeLast() }
        return String(text)
    }
}
