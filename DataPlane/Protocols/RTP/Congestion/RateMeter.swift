/// Bits per second over the last half second.
struct RateMeter: Sendable {
    private static let windowMicroseconds: Int64 = 500_000
    /// A second of 100 Mb/s in full packets.
    private static let entriesMax = 10_000

    private var entries: [(time: Int64, bytes: Int)] = []
    private var start = 0
    private var bytes = 0
    private var firstTime: Int64?

    mutating func add(bytes count: Int, at time: Int64) {
        firstTime = firstTime ?? time
        entries.append((time, count))
        bytes += count
        while start < entries.count - 1,
            entries[start].time < time - Self.windowMicroseconds || entries.count - start > Self.entriesMax
        {
            bytes -= entries[start].bytes
            start += 1
        }
        if start > 1000, start * 2 > entries.count {
            entries.removeFirst(start)
            start = 0
        }
    }

    /// Nil until a window is nearly full.
    var bitsPerSecond: Double? {
        guard let last = entries.last?.time, let firstTime, last - firstTime >= Self.windowMicroseconds / 2 else {
            return nil
        }
        let span = max(min(last - firstTime, Self.windowMicroseconds), 1)
        return Double(bytes) * 8_000_000 / Double(span)
    }
}
