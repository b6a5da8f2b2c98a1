package import MediaModel
package import Timebase

/// When to tell a receiver the capture time of what it is sent: once a second, as for the packets between it follows from
/// their timestamps; and at once where it does not.
package struct CaptureTimes: Sendable {
    private static let interval = Duration.seconds(1)
    /// A source that has not told for so long has another publisher now.
    private static let age = Duration.seconds(5)
    /// What the source says may differ by this from what follows: 5 ms, in units of 2⁻³² s.
    private static let errorMax: UInt64 = 5 << 32 / 1000

    private struct Reference {
        var timestamp: UInt32
        var capture: AbsoluteCaptureTime
        var learnedAt: MonotonicInstant
    }

    private let clockRate: Int64
    private var reference: Reference?
    private var nextAt: MonotonicInstant?

    package init(clockRate: Int64) { self.clockRate = clockRate }

    /// The source says when the frame with this timestamp was captured.
    package mutating func learned(_ capture: AbsoluteCaptureTime, timestamp: UInt32, at now: MonotonicInstant) {
        let followed = reference.map { value(of: timestamp, from: $0) }
        let error = followed?.time.offset(from: capture.time).magnitude
        if error.map({ $0 > Self.errorMax }) ?? true { nextAt = now }
        reference = Reference(timestamp: timestamp, capture: capture, learnedAt: now)
    }

    /// What goes with the first packet of the frame with this timestamp; nil when nothing needs to be said.
    package mutating func due(timestamp: UInt32, at now: MonotonicInstant) -> AbsoluteCaptureTime? {
        guard let reference, let nextAt, now >= nextAt, now - reference.learnedAt <= Self.age else { return nil }
        self.nextAt = now + Self.interval
        return value(of: timestamp, from: reference)
    }

    /// What was learned says nothing of what follows.
    package mutating func reset() { reference = nil }

    private func value(of timestamp: UInt32, from reference: Reference) -> AbsoluteCaptureTime {
        let samples = Int64(Int32(bitPattern: timestamp &- reference.timestamp))
        return reference.capture.advanced(by: MediaTime(samples: samples, rate: clockRate))
    }
}
