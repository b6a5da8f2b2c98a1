import Foundation
import Synchronization
package import Timebase

/// Measures what this machine and process carry, from `/proc`, between two calls.
package final class LoadSampler: Sendable {
    package struct Sample: Sendable {
        /// Share of all cores busy, 0 to 1, whoever keeps them so.
        package var cpu = 0.0
        /// Share of the machine's memory this process holds, 0 to 1.
        package var memory = 0.0
        package var egressBitsPerSecond: Int64 = 0
    }

    private struct Reading {
        var at: MonotonicInstant
        var busyTicks: Int64
        var allTicks: Int64
        var sentBytes: Int
    }

    private let last = Mutex<Reading?>(nil)
    private let sentBytes: @Sendable () -> Int

    package init(sentBytes: @escaping @Sendable () -> Int) { self.sentBytes = sentBytes }

    package func sample(at now: MonotonicInstant) -> Sample {
        var sample = Sample()
        sample.memory = Self.memoryShare()
        guard let ticks = Self.processorTicks() else { return sample }
        let reading = Reading(at: now, busyTicks: ticks.busy, allTicks: ticks.all, sentBytes: sentBytes())
        let previous = last.withLock { stored in
            defer { stored = reading }
            return stored
        }
        guard let previous, reading.allTicks > previous.allTicks else { return sample }
        sample.cpu = Double(reading.busyTicks - previous.busyTicks) / Double(reading.allTicks - previous.allTicks)
        let seconds = (now - previous.at).secondsAsDouble
        if seconds > 0 {
            sample.egressBitsPerSecond = Int64(Double(reading.sentBytes - previous.sentBytes) * 8 / seconds)
        }
        return sample
    }

    /// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal in ticks of all cores (proc(5)).
    private static func processorTicks() -> (busy: Int64, all: Int64)? {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let line = text.split(separator: "\n").first
        else { return nil }
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int64($0) }
        guard fields.count == 8 else { return nil }
        let all = fields.reduce(0, +)
        return (all - fields[3] - fields[4], all)
    }

    private static func memoryShare() -> Double {
        guard let resident = kibibytes(of: "VmRSS:", in: "/proc/self/status"),
            let total = kibibytes(of: "MemTotal:", in: "/proc/meminfo"), total > 0
        else { return 0 }
        return Double(resident) / Double(total)
    }

    private static func kibibytes(of field: String, in path: String) -> Int? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(field) }) else { return nil }
        return line.dropFirst(field.count).split(separator: " ").first.flatMap { Int($0) }
    }
}
