package import Timebase

/// Where the timeline of a viewer's media is now: the one line all its sender reports refer to, so that its streams are
/// shown together.
package struct PlayoutClock: Sendable {
    /// Beyond this the source has jumped.
    private static let jump = Duration.milliseconds(500)

    private var reference: (media: MediaTime, at: MonotonicInstant)?

    package init() {}

    /// A frame of any track is sent now.
    package mutating func sent(_ time: MediaTime, at now: MonotonicInstant) {
        guard let place = mediaTime(at: now) else {
            reference = (time, now)
            return
        }
        // Frames come late, never early: one ahead of the line shows how late the others were.
        let lead = time - place
        let isJump = Duration.milliseconds(lead.milliseconds) < .zero - Self.jump
        if lead > .zero || isJump { reference = (time, now) }
    }

    /// Nil before the first frame.
    package func mediaTime(at now: MonotonicInstant) -> MediaTime? {
        reference.map { $0.media + MediaTime(ticks: (now - $0.at).nanoseconds / 1000 * 9 / 100) }
    }
}
