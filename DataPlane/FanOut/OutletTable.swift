import ClusterModel
package import Streams
import Synchronization

/// The outlets of one wire format on this node, by stream. Safe from any thread; asked once per viewer.
package final class OutletTable<Format: WireFormat>: Sendable {
    private let outlets = Mutex<[StreamID: Outlet<Format>]>([:])
    private let make: @Sendable (LiveStream) -> Outlet<Format>

    package init(make: @escaping @Sendable (LiveStream) -> Outlet<Format>) { self.make = make }

    /// The stream's outlet. A stream that ended and came anew gets a new one.
    package func outlet(for stream: LiveStream) -> Outlet<Format> {
        outlets.withLock { table in
            if let outlet = table[stream.id], outlet.stream === stream { return outlet }
            let outlet = make(stream)
            table[stream.id] = outlet
            return outlet
        }
    }

    /// Forgets a stream that has ended on this node. Its viewers keep their outlet until they leave.
    package func remove(_ stream: LiveStream) {
        outlets.withLock { table in
            if table[stream.id]?.stream === stream { table[stream.id] = nil }
        }
    }
}
