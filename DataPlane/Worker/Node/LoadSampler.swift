import Foundation
import Synchronization
package import Timebase

/// Measures what this process carries between two calls.
package final class LoadSampler: Sendable {
    package struct Sample: Sendable {
        /// Share of all cores that this process uses, 0 to 1. What else the machine does is not this node's to limit or scale by.
        package var cpu = 0.0
        /// Share of the machine's memory this process holds, 0 to 1.
        package var memory = 0.0
        package var egressBitsPerSecond: Int64 = 0
    }

    private struct Reading {
        var at: MonotonicInstant
        var processorNanoseconds: Int64
        var sentBytes: Int
    }

    private let last = Mutex<Reading?>(nil)
    private let sentBytes: @Sendable () -> Int

    package init(sentBytes: @escaping @Sendable () -> Int) { self.sentBytes = sentBytes }

    package func sample(at now: MonotonicInstant) -> Sample {
        var sample = Sample()
        sample.memory = Self.memoryShare()
        let reading = Reading(at: now, processorNanoseconds: Self.processorNanoseconds(), sentBytes: sentBytes())
        let previous = last.withLock { stored in
            defer { stored = reading }
            return stored
        }
        guard let previous, now > previous.at else { return sample }
        let used = Double(reading.processorNanoseconds - previous.processorNanoseconds)
        let elapsed = now - previous.at
        let cores = Double(ProcessInfo.processInfo.activeProcessorCount)
        sample.cpu = min(1, max(0, used / Double(elapsed.nanoseconds) / cores))
        let bits = Double(reading.sentBytes - previous.sentBytes) * 8
        sample.egressBitsPerSecond = Int64(max(0, bits / elapsed.secondsAsDouble))
        return sample
    }

    /// User and system time of all threads of this process.
    private static func processorNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
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
