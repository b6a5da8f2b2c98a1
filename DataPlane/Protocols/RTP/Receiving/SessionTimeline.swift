package import Timebase

/// Lays the streams of one publisher on one timeline, so that sound and picture stay together.
///
/// RTP timestamps of two streams have nothing in common until sender reports tie both to one wall clock (RFC 3550 §6.4.1).
/// Until then a stream is placed by when it arrived; afterwards the others are moved to where the first reported one is, slowly
/// where a jump would be heard. That one goes by its own timestamps: reports say how streams lie to each other, and some
/// senders' are wrong about how fast time passes.
package struct SessionTimeline: Sendable {
    /// How far a frame may be moved against the one before it.
    private static let stepTicks: Int64 = 90
    /// Beyond this small steps would take minutes.
    private static let jumpTicks: Int64 = 90_000
    /// Of a frame's duration that it may lose on the way back by more than a jump: nothing stands still for it.
    private static let wayBackShare: Int64 = 4
    /// Between a report's timestamp and its stream's newest frame, in seconds. GStreamer 1.22 reports timestamps that grow
    /// twice as fast as its frames'.
    private static let reportDistanceMax: Int64 = 1

    private struct Line {
        var clockRate: Int64
        /// A frame's timestamp and its place in ticks of 90 kHz.
        var anchor: (timestamp: Int64, ticks: Int64)
        /// The timestamp of its latest frame.
        var newest: Int64
        var pending: Int64 = 0
        var last: Int64?
        /// Its latest report: what the sender's wall clock showed at one place.
        var report: (ntp: NTPTime, timestamp: Int64)?

        func ticks(_ timestamp: Int64) -> Int64 {
            anchor.ticks + (timestamp - anchor.timestamp) * MediaTime.ticksPerSecond / clockRate
        }

        /// How much of what is pending a frame that lasts so long is moved by.
        func step(frame ticks: Int64) -> Int64 {
            let back = pending < -jumpTicks ? max(stepTicks, ticks / wayBackShare) : stepTicks
            return min(max(pending, -back), stepTicks)
        }
    }

    private var start: MonotonicInstant?
    private var lines: [SSRC: Line] = [:]
    /// The stream that the others are moved to.
    private var leader: SSRC?

    package init() {}

    /// Where the frame is shown. Grows with each frame of its stream.
    package mutating func time(of frame: ReceivedFrame, from ssrc: SSRC) -> MediaTime {
        let start = start ?? frame.arrival
        self.start = start
        var line =
            lines[ssrc]
            ?? Line(
                clockRate: frame.codec.clockRate,
                anchor: (frame.timestamp, (frame.arrival - start).nanoseconds / 100_000 * 9),
                newest: frame.timestamp
            )
        let step = line.step(frame: line.ticks(frame.timestamp) - line.ticks(line.newest))
        line.pending -= step
        line.anchor.ticks += step
        line.newest = frame.timestamp
        let ticks = max(line.ticks(frame.timestamp), line.last.map { $0 + 1 } ?? .min)
        line.last = ticks
        lines[ssrc] = line
        return MediaTime(ticks: ticks)
    }

    /// `timestamp` is the report's, extended as the frames' are.
    package mutating func senderReport(_ report: SenderReport, timestamp: Int64) {
        guard var line = lines[report.ssrc],
            (timestamp - line.newest).magnitude <= line.clockRate * Self.reportDistanceMax
        else { return }
        line.report = (report.ntpTime, timestamp)
        defer { lines[report.ssrc] = line }
        let leader = leader ?? report.ssrc
        self.leader = leader
        guard leader != report.ssrc, let leading = lines[leader], let reference = leading.report else { return }
        let since = (report.ntpTime - reference.ntp).nanoseconds
        let place = leading.ticks(reference.timestamp) + since / 1_000_000 * 90 + since % 1_000_000 * 90 / 1_000_000
        let error = place - line.ticks(timestamp)
        if error > Self.jumpTicks {
            line.anchor.ticks += error
            line.pending = 0
        } else {
            line.pending = error
        }
    }

    package mutating func remove(_ ssrc: SSRC) {
        lines[ssrc] = nil
        if leader == ssrc { leader = nil }
    }
}
