/// Says whether what callers saw of one stream can have come from one lock that took their calls one at a time, each at
/// some instant between its call and its answer (linearizability; Herlihy and Wing, 1990).
///
/// The search is Wing and Gong's with remembered dead ends: it tries every operation that no other one precedes.
package struct ClaimHistory: Sendable {
    package private(set) var operations: [StreamOperation]

    package init(_ operations: [StreamOperation]) {
        self.operations = operations.sorted { ($0.calledAt, $0.returnedAt) < ($1.calledAt, $1.returnedAt) }
    }

    /// Nodes that were granted the stream, a node once for each epoch.
    package var owners: [String] {
        let epochs = operations.reduce(into: [Int64: String]()) { epochs, operation in
            if case .claim(let boot) = operation.call, case .granted(let epoch) = operation.answer {
                epochs[epoch] = boot.node
            }
        }
        return epochs.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Nil when the history is that of a lock; else the operations, in the order of their calls, up to the first that
    /// cannot be explained.
    package func violation() -> [StreamOperation]? {
        var search = Search(operations)
        return search.run() ? nil : Array(operations.prefix(search.furthest + 1))
    }
}

private struct Search {
    private struct Place: Hashable {
        /// Operations that have taken effect, beyond the first `done` of them, which all have.
        var done: Int
        var ahead: Set<Int>
        var lock: StreamLock
    }

    /// Histories of tests need hundreds; one that needs more is taken for a violation.
    private static let placesMax = 20_000

    private let operations: [StreamOperation]
    private var deadEnds: Set<Place> = []
    /// The operation that no order tried so far came past.
    private(set) var furthest = 0

    init(_ operations: [StreamOperation]) { self.operations = operations }

    mutating func run() -> Bool {
        var open = [Place(done: 0, ahead: [], lock: StreamLock())]
        while let place = open.popLast(), deadEnds.count < Self.placesMax {
            furthest = max(furthest, min(place.done, operations.count - 1))
            if isComplete(place) { return true }
            guard deadEnds.insert(place).inserted else { continue }
            // The earliest is tried first, so it goes on the stack last.
            for index in candidates(at: place).reversed() {
                let operation = operations[index]
                for lock in place.lock.after(operation.call, operation.answer) {
                    // One that got no answer and changes nothing may as well never have taken effect.
                    if operation.answer == .unknown, lock == place.lock { continue }
                    open.append(step(place, over: index, to: lock))
                }
            }
        }
        return false
    }

    /// A call without an answer need never have taken effect.
    private func isComplete(_ place: Place) -> Bool {
        operations.indices.dropFirst(place.done).allSatisfy {
            place.ahead.contains($0) || operations[$0].answer == .unknown
        }
    }

    /// Operations that may be next: nothing that is still to come had been answered when they were called.
    private func candidates(at place: Place) -> [Int] {
        var found: [Int] = []
        var earliestReturn = Int64.max
        for index in place.done..<operations.count where !place.ahead.contains(index) {
            let operation = operations[index]
            guard operation.calledAt <= earliestReturn else { break }
            found.append(index)
            if operation.answer != .unknown { earliestReturn = min(earliestReturn, operation.returnedAt) }
        }
        return found
    }

    private func step(_ place: Place, over index: Int, to lock: StreamLock) -> Place {
        var next = place
        next.lock = lock
        next.ahead.insert(index)
        while next.ahead.remove(next.done) != nil { next.done += 1 }
        return next
    }
}
