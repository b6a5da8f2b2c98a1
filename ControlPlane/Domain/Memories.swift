import ClusterModel
import DequeModule
import Timebase

/// Parents that an asker could not use for a stream, until when.
struct FailedParents: Sendable {
    private struct Failure {
        var until: WallTime
        /// A new owner's stream is another matter: it may even be published to the parent that failed.
        var epoch: Int64
    }

    private var entries: [Asked: [String: Failure]] = [:]
    private var expiries = Expiries<Asked>()

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
        let key = Asked(stream: stream, asker: asker)
        guard !parents.isEmpty, entries[key] != nil || entries.count < max else { return }
        if entries[key] == nil { expiries.add(key, until: until) }
        for parent in parents.prefix(16) where !contains(parent, of: stream, epoch, for: asker, at: now) {
            entries[key, default: [:]][parent] = Failure(until: until, epoch: epoch)
        }
    }

    func contains(_ parent: String, of stream: StreamID, _ epoch: Int64, for asker: String, at now: WallTime) -> Bool {
        entries[Asked(stream: stream, asker: asker)]?[parent].map { now < $0.until && $0.epoch == epoch } ?? false
    }

    mutating func forgetExpired(at now: WallTime) {
        while let key = expiries.next(at: now) {
            let left = entries[key]?.filter { now < $0.value.until } ?? [:]
            entries[key] = left.isEmpty ? nil : left
            if let last = left.values.map(\.until).max() { expiries.add(key, until: last) }
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
    private var expiries = Expiries<Asked>()

    mutating func note(_ stream: StreamID, asker: String, parent: String, until: WallTime, max: Int) {
        if given[stream]?[asker] == nil {
            guard expiries.count < max else { return }
            expiries.add(Asked(stream: stream, asker: asker), until: until)
        }
        given[stream, default: [:]][asker] = Given(parent: parent, until: until)
    }

    mutating func forget(_ asker: String, _ stream: StreamID) {
        given[stream]?[asker] = nil
        if given[stream]?.isEmpty == true { given[stream] = nil }
    }

    func parent(of asker: String, _ stream: StreamID, at now: WallTime) -> String? {
        given[stream]?[asker].flatMap { now < $0.until ? $0.parent : nil }
    }

    /// By asker, the parent.
    func routes(of stream: StreamID, at now: WallTime) -> [String: String] {
        (given[stream] ?? [:]).compactMapValues { now < $0.until ? $0.parent : nil }
    }

    mutating func forgetExpired(at now: WallTime) {
        while let key = expiries.next(at: now) {
            guard let until = given[key.stream]?[key.asker]?.until else { continue }
            if now < until { expiries.add(key, until: until) } else { forget(key.asker, key.stream) }
        }
    }
}

/// Nodes that asked for a stream's route lately and want to hear what becomes of it.
struct RouteInterests: Sendable {
    private var askers: [StreamID: [String: WallTime]] = [:]
    private var wishes: [String: Set<StreamID>] = [:]
    private var expiries = Expiries<Asked>()

    mutating func note(_ stream: StreamID, askedBy node: String, until: WallTime, max: Int) {
        if askers[stream]?[node] == nil {
            guard expiries.count < max else { return }
            expiries.add(Asked(stream: stream, asker: node), until: until)
        }
        askers[stream, default: [:]][node] = until
        wishes[node, default: []].insert(stream)
    }

    /// When the newest interest in the stream will have passed.
    func latest(for stream: StreamID) -> WallTime? { askers[stream]?.values.max() }

    func nodes(askingFor stream: StreamID, at now: WallTime) -> [String] {
        (askers[stream] ?? [:]).filter { now < $0.value }.map(\.key)
    }

    func streams(askedForBy node: String, at now: WallTime) -> Set<StreamID> {
        (wishes[node] ?? []).filter { askers[$0]?[node].map { now < $0 } == true }
    }

    mutating func forgetExpired(at now: WallTime) {
        while let key = expiries.next(at: now) {
            guard let until = askers[key.stream]?[key.asker] else { continue }
            if now < until {
                expiries.add(key, until: until)
            } else {
                askers[key.stream]?[key.asker] = nil
                if askers[key.stream]?.isEmpty == true { askers[key.stream] = nil }
                wishes[key.asker]?.remove(key.stream)
                if wishes[key.asker]?.isEmpty == true { wishes[key.asker] = nil }
            }
        }
    }
}

private struct Asked: Hashable, Sendable {
    var stream: StreamID
    var asker: String
}

/// When entries that all live equally long end, so that looking for those that did costs with their number alone. What ends
/// later than it was said at first is added again when its first end has come.
private struct Expiries<Key: Sendable>: Sendable {
    private var waiting: Deque<(key: Key, until: WallTime)> = []

    var count: Int { waiting.count }

    mutating func add(_ key: Key, until: WallTime) { waiting.append((key, until)) }

    /// One whose end has come; it is not named again.
    mutating func next(at now: WallTime) -> Key? {
        guard let first = waiting.first, first.until <= now else { return nil }
        return waiting.removeFirst().key
    }
}
