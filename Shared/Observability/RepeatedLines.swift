import Synchronization

/// Lets a log line through once an interval for each key, and says how many it kept back. A value: its owner has the
/// lock or the event loop.
package struct RepeatedLines: Sendable {
    private struct Entry {
        var lastAdmitted: ContinuousClock.Instant
        var suppressed = 0
    }

    private let interval: Duration
    private let keysMax: Int
    private var entries: [String: Entry] = [:]

    /// - Parameter keysMax: When this many keys are known they are all forgotten: a flood of keys costs lines, not memory.
    package init(interval: Duration = .seconds(10), keysMax: Int = 256) {
        self.interval = interval
        self.keysMax = keysMax
    }

    /// The number of lines kept back since the last one, or nil when this one is to be kept back too.
    package mutating func admit(_ key: String, at now: ContinuousClock.Instant) -> Int? {
        if let entry = entries[key], now - entry.lastAdmitted < interval {
            entries[key]?.suppressed += 1
            return nil
        }
        let suppressed = entries[key]?.suppressed ?? 0
        if entries[key] == nil, entries.count >= keysMax { entries.removeAll(keepingCapacity: true) }
        entries[key] = Entry(lastAdmitted: now)
        return suppressed
    }
}

/// Keeps a flood of refusals from filling the log, for a whole server. A kind of refusal is its reason: addresses and names
/// are the flood's to choose.
package final class RefusalLines: Sendable {
    private let lines = Mutex(RepeatedLines())

    package init() {}

    /// As `RepeatedLines.admit`, now.
    package func admit(_ kind: String) -> Int? { lines.withLock { $0.admit(kind, at: .now) } }
}
