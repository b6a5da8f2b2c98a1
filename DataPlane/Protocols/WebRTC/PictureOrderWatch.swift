/// Tells pictures that are shown in another order than they come (B-frames) from one jump of a publisher's clock.
struct PictureOrderWatch: Sendable {
    /// What a step back counts against one forward: encoders set no more than sixteen B-frames in a row, without a step back
    /// among them.
    private static let weight = 32
    private static let most = 96

    private var newest: Int64?
    private var disorder = 0

    /// `timestamp` is the next picture's.
    mutating func isReordered(by timestamp: Int64) -> Bool {
        let isBack = newest.map { timestamp < $0 } ?? false
        newest = timestamp
        disorder = isBack ? disorder + Self.weight : max(0, disorder - 1)
        return disorder >= Self.most
    }
}
