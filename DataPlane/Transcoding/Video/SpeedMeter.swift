package import Timebase

/// Media time against working time, over a few seconds of media.
package struct SpeedMeter: Sendable {
    private static let span = MediaTime(seconds: 2)

    package private(set) var value: Double?
    private var start: MediaTime?
    private var spent = Duration.zero

    package init() {}

    /// - Parameter spent: The time at work since the last call.
    package mutating func count(upTo time: MediaTime, spent more: Duration) {
        guard let start, time >= start else {
            start = time
            spent = .zero
            return
        }
        spent += more
        guard time - start >= Self.span else { return }
        value = (time - start).seconds / max(spent.secondsAsDouble, 1e-9)
        self.start = time
        spent = .zero
    }
}
