package import ClusterModel
import NIOCore
import Synchronization

/// A rendition that was too much for this machine, or that no encoder of it could make.
package struct GivenUpRendition: Hashable, Sendable {
    package var source: StreamID
    package var name: String
    /// Counts what was given up in this process, so that each time is told once.
    package var number: Int
}

/// Remembers which renditions were given up, so that they are not tried again at once.
final class GivenUpRenditions: Sendable {
    /// Far above what one machine encodes; beyond, the oldest may be tried again.
    private static let countMax = 256

    struct Entry {
        var rendition: GivenUpRendition
        var reason: String
        var until: NIODeadline
    }

    private struct State {
        var entries: [Entry] = []
        var count = 0
    }

    private let state = Mutex(State())

    func add(_ name: String, of source: StreamID, because reason: String, until: NIODeadline) {
        state.withLock { state in
            state.entries.removeAll { $0.until <= .now() }
            if state.entries.count >= Self.countMax { state.entries.removeFirst() }
            state.count += 1
            let rendition = GivenUpRendition(source: source, name: name, number: state.count)
            state.entries.append(Entry(rendition: rendition, reason: reason, until: until))
        }
    }

    /// Nil where it may be tried.
    subscript(_ name: String, of source: StreamID) -> Entry? {
        entries.first { $0.rendition.name == name && $0.rendition.source == source }
    }

    /// As far as they are rungs that players are offered.
    func rungs(of source: StreamID) -> [String] {
        let names = entries.map(\.rendition).filter { $0.source == source }.map(\.name)
        return Set(names).filter { !$0.contains("~") }.sorted()
    }

    var current: [GivenUpRendition] { entries.map(\.rendition) }

    private var entries: [Entry] { state.withLock { $0.entries.filter { $0.until > .now() } } }
}
