package import MediaModel

/// Joins a new parent's items to what a node already has, when a pull is made again within one epoch.
///
/// The order of items in an epoch is the same on every node, so a place in it is (sequence, part, items since that cut).
/// A parent starts at a segment's beginning: what was already passed on is dropped; a hole is reported, so that nobody
/// packages across it.
package struct SpliceFilter: Sendable {
    package enum Outcome: Equatable, Sendable {
        case pass
        case drop
        /// Items between the last one and this one never came. Also where a new parent begins with the segment after the last
        /// item: a cut does not tell how many items were before it, and a hole taken for none would be packaged.
        case passAfterGap
    }

    private struct Place: Equatable {
        var sequence: UInt64
        var part: UInt32
        var itemsSince: Int

        func isBefore(_ other: Place) -> Bool {
            (sequence, part, itemsSince) < (other.sequence, other.part, other.itemsSince)
        }
    }

    private var reached: Place?
    private var incoming: Place?
    /// Units have passed before any cut: they have no place.
    private var hasPassedUnplaced = false
    /// A new parent has not yet reached the place at which the old one stopped.
    package private(set) var isJoining = false

    package init() {}

    /// A new parent begins to send. Items of an older place than the one reached will be dropped.
    package mutating func parentChanged() {
        incoming = nil
        isJoining = reached != nil || hasPassedUnplaced
    }

    /// A new owner: everything it sends is new.
    package mutating func epochChanged() {
        self = SpliceFilter()
    }

    package mutating func admit(_ item: StreamItem) -> Outcome {
        let before = incoming
        switch item {
        case .cut(let mark): incoming = Place(sequence: mark.sequence, part: mark.part, itemsSince: 0)
        // Nodes do not keep them for late comers, so they are not counted in any place.
        case .unit(let unit) where unit.track == .data: return isJoining ? .drop : .pass
        case .unit: incoming?.itemsSince += 1
        case .tracks: return isJoining ? .drop : .pass
        }
        guard let place = incoming else {
            // Units before the first cut carry no place; a fresh start takes them, a join cannot order them.
            hasPassedUnplaced = hasPassedUnplaced || !isJoining
            return isJoining ? .drop : .pass
        }
        guard isJoining else {
            reached = place
            return .pass
        }
        guard let reached else {
            isJoining = false
            self.reached = place
            return .passAfterGap
        }
        if place == reached || place.isBefore(reached) { return .drop }
        isJoining = false
        self.reached = place
        let followsDirectly = before == reached
        return followsDirectly ? .pass : .passAfterGap
    }
}
