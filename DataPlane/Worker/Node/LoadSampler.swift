import Foundation
import Synchronization
package import Timebase

/// Measures what this machine and process carry, from `/proc`, over the last seconds.
package final class LoadSampler: Sendable {
    package struct Sample: Sendable {
        /// Share of all cores busy, 0 to 1, whoever keeps them so.
        package var cpu = 0.0
        /// Share of its memory budget this process holds, 0 to 1.
        package var memory = 0.0
        package var egressBitsPerSecond: Int64 = 0
    }

    private struct Reading {
        var at: MonotonicInstant
        var busyTicks: Int64
        var allTicks: Int64
        var sentBytes: Int
    }

    /// Over how long shares and rates are taken, at least, once it has run that long.
    private static let window = Duration.seconds(5)
    private static let readingsMax = 64

    /// Oldest first; of those older than the window only the youngest.
    private let readings = Mutex<[Reading]>([])
    private let memoryBudgetBytes: Int?
    private let sentBytes: @Sendable () -> Int

    /// Without a budget there is no share of it.
    package init(memoryBudgetBytes: Int?, sentBytes: @escaping @Sendable () -> Int) {
        self.memoryBudgetBytes = memoryBudgetBytes
        self.sentBytes = sentBytes
    }

    package func sample(at now: MonotonicInstant) -> Sample {
        var sample = Sample()
        sample.memory = memoryShare
        guard let ticks = Self.processorTicks() else { return sample }
        let reading = Reading(at: now, busyTicks: ticks.busy, allTicks: ticks.all, sentBytes: sentBytes())
        let previous = readings.withLock { readings in
            while readings.count > 1, now - readings[1].at >= Self.window { readings.removeFirst() }
            if readings.count >= Self.readingsMax { readings.removeFirst() }
            defer { readings.append(reading) }
            return readings.first
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

    private var memoryShare: Double {
        guard let resident = MachineLimits.kibibytes(of: "VmRSS:", in: "/proc/self/status"),
            let budget = memoryBudgetBytes, budget > 0
        else { return 0 }
        return Double(resident << 10) / Double(budget)
    }
}
