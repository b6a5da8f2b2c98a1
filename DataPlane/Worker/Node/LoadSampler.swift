import Glibc
import Synchronization
package import Timebase

/// Measures what this process carries, over the last seconds.
package final class LoadSampler: Sendable {
    package struct Sample: Sendable {
        /// Share of the cores' time it may use that this process uses, 0 to 1. What else the machine does is not this node's to limit or scale by.
        package var cpu = 0.0
        /// Share of its memory budget this process holds, 0 to 1.
        package var memory = 0.0
        package var egressBitsPerSecond: Int64 = 0
    }

    private struct Reading {
        var at: MonotonicInstant
        var processorNanoseconds: Int64
        var sentBytes: Int
    }

    /// Over how long shares and rates are taken, at least, once it has run that long.
    private static let window = Duration.seconds(5)
    private static let readingsMax = 64

    /// Oldest first; of those older than the window only the youngest.
    private let readings = Mutex<[Reading]>([])
    private let memoryBudgetBytes: Int?
    private let cores = MachineLimits.cores
    private let sentBytes: @Sendable () -> Int

    /// Without a budget there is no share of it.
    package init(memoryBudgetBytes: Int?, sentBytes: @escaping @Sendable () -> Int) {
        self.memoryBudgetBytes = memoryBudgetBytes
        self.sentBytes = sentBytes
    }

    package func sample(at now: MonotonicInstant) -> Sample {
        var sample = Sample()
        sample.memory = memoryShare
        let reading = Reading(at: now, processorNanoseconds: Self.processorNanoseconds(), sentBytes: sentBytes())
        let previous = readings.withLock { readings in
            while readings.count > 1, now - readings[1].at >= Self.window { readings.removeFirst() }
            if readings.count >= Self.readingsMax { readings.removeFirst() }
            defer { readings.append(reading) }
            return readings.first
        }
        guard let previous, now > previous.at else { return sample }
        let used = Double(reading.processorNanoseconds - previous.processorNanoseconds)
        let elapsed = now - previous.at
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

    private var memoryShare: Double {
        guard let resident = MachineLimits.residentBytes, let budget = memoryBudgetBytes, budget > 0 else { return 0 }
        return Double(resident) / Double(budget)
    }
}
