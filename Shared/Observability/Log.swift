import Glibc
package import Logging
import Synchronization

/// The log of the process: lines on standard error, at a level that can change while it runs.
package final class Log: Sendable {
    private let rank: Atomic<Int>
    let format: LogFormat
    private let write: @Sendable (String) -> Void

    /// Makes every `Logger` of the process write through the result. To be called once, by `main`.
    package static func bootstrap(level: Logger.Level, format: LogFormat) -> Log {
        let log = Log(level: level, format: format) { line in
            let bytes = Array(line.utf8)
            _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
        }
        LoggingSystem.bootstrap { LineLogHandler(label: $0, log: log) }
        return log
    }

    package init(level: Logger.Level, format: LogFormat, write: @escaping @Sendable (String) -> Void) {
        rank = Atomic(level.rank)
        self.format = format
        self.write = write
    }

    /// A logger of this log alone.
    package func logger(_ label: String) -> Logger { Logger(label: label) { LineLogHandler(label: $0, log: self) } }

    package var level: Logger.Level {
        get { Logger.Level.allCases[rank.load(ordering: .relaxed)] }
        set { rank.store(newValue.rank, ordering: .relaxed) }
    }

    func emit(_ line: String) { write(line) }
}

extension Logger.Level {
    fileprivate var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

private struct LineLogHandler: LogHandler {
    let label: String
    let log: Log
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private var ownLevel: Logger.Level?

    init(label: String, log: Log) {
        self.label = label
        self.log = log
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? log.level }
        set { ownLevel = newValue }
    }

    func log(event: LogEvent) {
        var line = LogLine(
            time: timestamp(),
            level: event.level,
            label: label,
            message: event.message.description,
            format: log.format
        )
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { _, own in own }
        if let given = event.metadata { all.merge(given) { _, own in own } }
        if let error = event.error { all["error"] = "\(error)" }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line.add(key, value.description) }
        log.emit(line.finished)
    }
}

/// RFC 3339 in UTC, with milliseconds.
private func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date =
        "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
    let time = "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2))"
    return "\(date)T\(time).\(padded(now.tv_nsec / 1_000_000, 3))Z"
}
