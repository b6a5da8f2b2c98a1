package import ClusterModel
import Synchronization

/// The live streams of this node, by name. Safe from any thread; asked once per session, never per frame.
package final class StreamRegistry: Sendable {
    private let streams = Mutex<[StreamID: LiveStream]>([:])

    package init() {}

    package subscript(_ id: StreamID) -> LiveStream? { streams.withLock { $0[id] } }

    package var all: [LiveStream] { streams.withLock { Array($0.values) } }

    /// The stream of that name, made by `make` if there is none.
    package func findOrAdd(_ id: StreamID, make: () -> LiveStream) -> (stream: LiveStream, isNew: Bool) {
        streams.withLock {
            if let stream = $0[id] { return (stream, false) }
            let stream = make()
            $0[id] = stream
            return (stream, true)
        }
    }

    /// Removes `stream`, unless another one took its name meanwhile.
    package func remove(_ stream: LiveStream) {
        streams.withLock {
            if $0[stream.id] === stream { $0[stream.id] = nil }
        }
    }
}
