/// Finds out what a path carries from packets that were sent close together and came in far apart. A first burst or a keyframe
/// shows it at once, where the trend of the delay needs seconds.
struct PacketTrain: Sendable {
    private struct Train {
        var firstSent: Int64
        var lastSent: Int64
        var firstArrived: Int64
        var lastArrived: Int64
        var longestPause: Int64 = 0
        /// Behind the first.
        var bytes = 0
        var packets = 0
    }

    /// Pacers send every ten milliseconds; pictures come less often.
    private static let pauseMicroseconds: Int64 = 25_000
    static let packetsMin = 16
    /// Of the receiver's moments that took longer none is taken for the path.
    private static let arrivalMicrosecondsMin: Int64 = 50_000

    private var train: Train?

    /// Times in microseconds, each on its own clock.
    mutating func add(bytes: Int, sent: Int64, arrived: Int64) {
        guard var now = train, sent - now.lastSent <= Self.pauseMicroseconds else {
            train = Train(firstSent: sent, lastSent: sent, firstArrived: arrived, lastArrived: arrived)
            return
        }
        // What was overtaken on its way says nothing.
        guard sent >= now.lastSent, arrived >= now.lastArrived else { return }
        now.longestPause = max(now.longestPause, arrived - now.lastArrived)
        now.bytes += bytes
        now.packets += 1
        (now.lastSent, now.lastArrived) = (sent, arrived)
        train = now
    }

    /// In bits per second, of a train that came in at less than half the rate that it was sent at. A moment in which the
    /// receiver did not look is left out.
    mutating func takeLimit() -> Double? {
        guard let train, train.packets >= Self.packetsMin else { return nil }
        let arrival = train.lastArrived - train.firstArrived - train.longestPause
        guard arrival >= Self.arrivalMicrosecondsMin, arrival > 2 * (train.lastSent - train.firstSent) else {
            return nil
        }
        self.train = nil
        let bytes = train.bytes - train.bytes / train.packets
        return Double(bytes) * 8_000_000 / Double(arrival)
    }
}
