import CLibAV
import Glibc
import Transcoding

/// libav's return codes as Swift errors.
enum LibraryCalls {
    /// Once a process: what libav would print to stderr comes as the text of an error instead.
    static let quiet: Void = {
        av_log_set_level(AV_LOG_QUIET)
        // SVT-AV1 prints past libav; whoever set its level meant it.
        setenv("SVT_LOG", "0", 0)
    }()

    /// The code, unless it is an error.
    @discardableResult
    static func check(_ code: Int32, _ operation: @autoclosure () -> String) throws(CodecPortError) -> Int32 {
        guard code >= 0 else { throw .failed(operation: operation(), reason: text(of: code)) }
        return code
    }

    /// What an allocation gave.
    static func allocated<Value>(_ value: Value?, _ operation: @autoclosure () -> String) throws(CodecPortError)
        -> Value
    {
        guard let value else { throw .failed(operation: operation(), reason: "out of memory") }
        return value
    }

    private static func text(of code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(AV_ERROR_MAX_STRING_SIZE)) { text in
            guard let start = text.baseAddress, av_strerror(code, start, text.count) >= 0 else {
                return "error \(code)"
            }
            return String(cString: start)
        }
    }
}
