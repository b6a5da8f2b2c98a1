package import Timebase

/// Lays the streams of one publisher on one timeline, so that sound and picture stay together.
///
/// RTP timestamps of two streams have nothing in common until sender reports tie both to one wall clock (RFC 3550 §6.4.1).
/// Until then a stream is placed by when it arrived; afterwards it is moved to its place, slowly where a jump would be heard.
package struct SessionTimeline: Sendable {
    /// How far a frame may be moved against the one before it.
    private static let stepTicks: Int64 = 90
    /// Beyond this small steps would take minutes.
    private static let jumpTicks: Int64 = 90_000

    private struct Line {
        var clockRate: Int64
        /// A frame's timestamp and its place in ticks of 90 kHz.
        var anchor: (timestamp: Int64, ticks: Int64)
        var pending: Int64 = 0
        var last: Int64?

        func ticks(_ timestamp: Int64) -> Int64 {
            anchor.ticks + (timestamp - anchor.timestamp) * MediaTime.ticksPerSecond / clockRate
        }
    }

    private var start: MonotonicInstant?
    private var lines: [SSRC: Line] = [:]
    /// The sender's wall clock at one place of the timeline.
    private var reference: (ntp: NTPTime, ticks: Int64)?

    package init() {}

    /// Where the frame is shown. Grows with each frame of its stream.
    package mutating func time(of frame: ReceivedFrame, from ssrc: SSRC) -> MediaTime {
        let start = start ?? frame.arrival
        self.start = start
        var line =
            lines[ssrc]
            ?? Line(
                clockRate: frame.codec.clockRate,
                anchor: (frame.timestamp, (frame.arrival - start).nanoseconds / 100_000 * 9)
            )
        let step = min(max(line.pending, -Self.stepTicks), Self.stepTicks)
        line.pending -= step
        line.anchor.ticks += step
        let ticks = max(line.ticks(frame.timestamp), line.last.map { $0 + 1 } ?? .min)
        line.last = ticks
        lines[ssrc] = line
        return MediaTime(ticks: ticks)
    }

    /// `timestamp` is the report's, extended as the frames' are.
    package mutating func senderReport(_ report: SenderReport, timestamp: Int64) {
        guard var line = lines[report.ssrc] else { return }
        let place = line.ticks(timestamp)
        guard let reference else {
            self.reference = (report.ntpTime, place)
            return
        }
        let since = (report.ntpTime - reference.ntp).nanoseconds
        let error = reference.ticks + since / 1_000_000 * 90 + since % 1_000_000 * 90 / 1_000_000 - place
        if error.magnitude > Self.jumpTicks {
            line.anchor.ticks += error
            line.pending = 0
        } else {
            line.pending = error
        }
        lines[report.ssrc] = line
    }

    package mutating func remove(_ ssrc: SSRC) { lines[ssrc] = nil }
}
