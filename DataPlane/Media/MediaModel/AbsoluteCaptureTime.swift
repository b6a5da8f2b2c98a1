package import Timebase

/// When the first sample of a unit was captured, as its source says.
///
/// Spec: the `abs-capture-time` header extension of RTP (webrtc.googlesource.com, docs/native-code/rtp-hdrext/abs-capture-time).
package struct AbsoluteCaptureTime: Hashable, Sendable {
    /// On the clock of the system that captured it.
    package var time: NTPTime
    /// What to add to the clock of whoever says this to get that one, in units of 2⁻³² s. Nil when nobody knows.
    package var clockOffset: Int64?

    package init(time: NTPTime, clockOffset: Int64? = nil) {
        self.time = time
        self.clockOffset = clockOffset
    }

    /// That of the sample which follows after `span`, or precedes when it is negative.
    package func advanced(by span: MediaTime) -> Self {
        Self(time: time + .nanoseconds(span.ticks * 100_000 / 9), clockOffset: clockOffset)
    }
}
