import ClusterModel
import Timebase

/// Parents that an asker could not use for a stream, until when.
struct FailedParents: Sendable {
    private struct Key: Hashable {
        var asker: String
        var stream: StreamID
    }

    private struct Failure {
        var until: WallTime
        /// A new owner's stream is another matter: it may even be published to the parent that failed.
        var epoch: Int64
    }

    private var entries: [Key: [String: Failure]] = [:]
    private var lookedThroughAt: WallTime?

    /// Naming a parent again does not make its time longer.
    mutating func remember(
        _ parents: [String],
        of stream: StreamID,
        for asker: String,
        epoch: Int64,
        until: WallTime,
        at now: WallTime,
        max: Int
    ) {
        let key = Key(asker: asker, stream: stream)
        guard !parents.isEmpty, entries[key] != nil || entries.count < max else { return }
        for parent in parents.prefix(16) where !contains(parent, of: stream, epoch, for: asker, at: now) {
            entries[key, default: [:]][parent] = Failure(until: until, epoch: epoch)
        }
    }

    func contains(_ parent: String, of stream: StreamID, _ epoch: Int64, for asker: String, at now: WallTime) -> Bool {
        entries[Key(asker: asker, stream: stream)]?[parent].map { now < $0.until && $0.epoch == epoch } ?? false
    }

    mutating func forgetExpired(at now: WallTime) {
        guard now.isPast(lookedThroughAt, by: MemoryExpiry.interval) else { return }
        lookedThroughAt = now
        entries = entries.compactMapValues { parents in
            let left = parents.filter { now < $0.value.until }
            return left.isEmpty ? nil : left
        }
    }
}

/// Routes that were told lately, until the heartbeats of those who asked can show them.
struct GivenRoutes: Sendable {
    private struct Given {
        var parent: String
        var until: WallTime
    }

    private var given: [StreamID: [String: Given]] = [:]
    private var count = 0

    mutating func note(_ stream: StreamID, asker: String, parent: String, until: WallTime, max: Int) {
        if given[stream]?[asker] == nil {
            guard count < max else { return }
            count += 1
        }
        given[stream, default: [:]][asker] = Given(parent: parent, until: until)
    }

    mutating func forget(_ asker: String, _ stream: StreamID) {
        guard given[stream]?.removeValue(forKey: asker) != nil else { return }
        count -= 1
        if given[stream]?.isEmpty == true { given[stream] = nil }
    }

    func parent(of asker: String, _ stream: StreamID, at now: WallTime) -> String? {
        given[stream]?[asker].flatMap { now < $0.until ? $0.parent : nil }
    }

    /// By asker, the parent.
    func routes(of stream: StreamID, at now: WallTime) -> [String: String] {
        (given[stream] ?? [:]).compactMapValues { now < $0.until ? $0.parent : nil }
    }

    /// Of any stream.
    func parents(of asker: String, at now: WallTime) -> [String] {
        given.values.compactMap { $0[asker].flatMap { now < $0.until ? $0.parent : nil } }
    }

    mutating func forgetExpired(at now: WallTime) {
        given = given.compactMapValues { routes in
            let left = routes.filter { now < $0.value.until }
            return left.isEmpty ? nil : left
        }
        count = given.values.reduce(0) { $0 + $1.count }
    }
}

/// Nodes that asked for a stream's route lately and want to hear what becomes of it.
struct RouteInterests: Sendable {
    private var askers: [StreamID: [String: WallTime]] = [:]
    private var count = 0
    private var lookedThroughAt: WallTime?

    mutating func note(_ stream: StreamID, askedBy node: String, until: WallTime, max: Int) {
        if askers[stream]?[node] == nil {
            guard count < max else { return }
            count += 1
        }
        askers[stream, default: [:]][node] = until
    }

    /// When the newest interest in the stream will have passed.
    func latest(for stream: StreamID) -> WallTime? { askers[stream]?.values.max() }

    func nodes(askingFor stream: StreamID, at now: WallTime) -> [String] {
        (askers[stream] ?? [:]).filter { now < $0.value }.map(\.key)
    }

    mutating func forgetExpired(at now: WallTime) {
        guard now.isPast(lookedThroughAt, by: MemoryExpiry.interval) else { return }
        lookedThroughAt = now
        askers = askers.compactMapValues { nodes in
            let left = nodes.filter { now < $0.value }
            return left.isEmpty ? nil : left
        }
        count = askers.values.reduce(0) { $0 + $1.count }
    }
}

/// Looking through all that is remembered costs with its number; what has expired meanwhile does not count anyway.
private enum MemoryExpiry {
    static let interval = Duration.seconds(5)
}

extension WallTime {
    fileprivate func isPast(_ last: WallTime?, by interval: Duration) -> Bool {
        last.map { self - $0 >= interval || self < $0 } ?? true
    }
}
