import CSRT
package import Logging

/// libsrt's process-wide part: started once, its log lines handed to ours.
package enum SRTLibrary {
    private static let logger = LoggerBox()

    /// Started at first use and left running: its threads end with the process.
    private static let isStarted: Bool = srt_startup() >= 0

    /// Before any socket is made. Lines of libsrt go to `logger` from here on.
    package static func start(logger: Logger) throws(SRTError) {
        Self.logger.set(logger)
        guard isStarted else { throw SRTError("srt_startup") }
        // Its warnings tell of single peers' mishaps, which are counted; errors are worth reading.
        srt_setloglevel(CInt(LOG_ERR))
        srt_setlogflags(CInt(SRT_LOGF_DISABLE_TIME | SRT_LOGF_DISABLE_THREADNAME | SRT_LOGF_DISABLE_SEVERITY))
        srt_setloghandler(nil) { _, _, _, _, _, message in
            guard let message else { return }
            SRTLibrary.logger.log(String(cString: message))
        }
    }
}

/// A call of libsrt that failed, with its own words.
package struct SRTError: Error, CustomStringConvertible {
    package let description: String

    init(_ call: String) { description = "\(call): \(String(cString: srt_getlasterror_str()))" }
}
