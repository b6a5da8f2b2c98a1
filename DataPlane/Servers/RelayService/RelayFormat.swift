import FanOut
package import MediaModel
import Relay
package import Streams

package import struct NIOCore.ByteBuffer

/// A live stream as relay frames: its items unchanged, for nodes that package it themselves.
package struct RelayFormat: WireFormat {
    private let stream: LiveStream
    private let choice: TrackChoice
    private var tracks: [Track] = []

    /// Used on the stream's loop.
    init(of stream: LiveStream, _ choice: TrackChoice) {
        self.stream = stream
        self.choice = choice
    }

    package func prelude(tracks: [Track]) -> [ByteBuffer] { [] }

    package mutating func pieces(for item: StreamItem) -> [ByteBuffer]? {
        switch item {
        case .tracks(let all):
            tracks = choice.of(all)
            return RelayWireForm.pieces(for: .tracks(tracks))
        case .unit(let unit): return choice.takes(unit.track) ? RelayWireForm.pieces(for: item) : nil
        case .cut:
            let mark = RelayWireForm.pieces(for: item)
            guard isStart(item) else { return mark }
            // A child starts here, and was told nothing since its accept.
            return RelayWireForm.pieces(for: .tracks(tracks)) + [RelayFrame.rungsGivenUp(stream.rungsGivenUp).encoded]
                + mark
        }
    }

    package func pieces(for notice: StreamNotice) -> [ByteBuffer]? {
        switch notice {
        case .interrupted: [RelayFrame.state(.interrupted).encoded]
        case .pathChanged(let hops): [RelayFrame.path(hops).encoded]
        case .rungsGivenUp(let rungs): [RelayFrame.rungsGivenUp(rungs).encoded]
        case .resumed: [RelayFrame.state(.broadcasting).encoded]
        case .gap: [RelayFrame.gap.encoded]
        case .ended, .epochChanged, .fenced, .outOfReach, .parentChanged: nil
        }
    }

    /// A child starts with a whole segment, so that it packages the same bytes as everybody.
    package func isStart(_ item: StreamItem) -> Bool {
        if case .cut(let mark) = item { mark.part == 0 } else { false }
    }
}

/// The tracks a child wants.
enum TrackChoice: Hashable, Sendable {
    case all
    case only(Set<TrackID>)

    /// As a hello says it: none named is all.
    init(_ ids: [TrackID]) { self = ids.isEmpty ? .all : .only(Set(ids)) }

    func takes(_ track: TrackID) -> Bool {
        switch self {
        case .all: true
        case .only(let ids): ids.contains(track)
        }
    }

    func covers(_ other: TrackChoice) -> Bool {
        switch (self, other) {
        case (.all, _): true
        case (.only, .all): false
        case (.only(let ids), .only(let others)): others.isSubset(of: ids)
        }
    }

    func of(_ tracks: [Track]) -> [Track] { tracks.filter { takes($0.id) } }
}
