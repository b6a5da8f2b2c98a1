/// A node's weight for new sessions in quarters of its room, and not a new one for every breath of its load: where streams
/// are shared out by hash, each change moves some of them to nodes that have to pull them first.
package struct AgentWeight: Sendable {
    private static let step = 25.0
    /// How far the room must have passed a step's bound, in per cent.
    private static let slack = 5.0

    /// Of the full weight: 25, 50, 75 or 100. A node that takes sessions gets some.
    package private(set) var percent = 100

    package init() {}

    /// `utilisation`: the fullest resource, 0 to 1.
    package mutating func update(utilisation: Double) {
        let room = (1 - min(max(utilisation, 0), 1)) * 100
        let present = Double(percent)
        guard room > present + Self.slack || room <= present - Self.step - Self.slack else { return }
        percent = Int(max((room / Self.step).rounded(.up), 1) * Self.step)
    }
}
