package import Timebase

/// The 33-bit clock of PES packets and of the program: 90 kHz, around once in 26.5 hours.
package struct TSTimestamp: Hashable, Sendable {
    package static let modulus: Int64 = 1 << 33

    /// Below `modulus`.
    package let value: Int64

    package init(_ value: Int64) { self.value = value & (Self.modulus - 1) }
    package init(_ time: MediaTime) { self.init(time.ticks) }
}

/// Makes one growing number of wrapping stamps: of all the times a stamp can mean, the one nearest to the newest known.
package struct TSClock: Sendable {
    private var last: Int64?

    package init() {}

    package mutating func time(of stamp: TSTimestamp) -> MediaTime {
        guard let last else {
            self.last = stamp.value
            return MediaTime(ticks: stamp.value)
        }
        var distance = (stamp.value - last) & (TSTimestamp.modulus - 1)
        if distance >= TSTimestamp.modulus / 2 { distance -= TSTimestamp.modulus }
        // 2,600 years of jumps: begin anew, which is one jump more, before ticks overflow.
        let time = last.magnitude < 1 << 53 ? last + distance : stamp.value
        self.last = time
        return MediaTime(ticks: time)
    }
}
