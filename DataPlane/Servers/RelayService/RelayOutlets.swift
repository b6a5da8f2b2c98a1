package import FanOut
import Streams
import Synchronization

/// The relay outlets of a node: one for all children of a stream that chose the same tracks.
///
/// An outlet lives while somebody is served from it, so what children choose cannot fill the table.
package final class RelayOutlets: Sendable {
    private struct Key: Hashable {
        let stream: ObjectIdentifier
        let choice: TrackChoice
    }

    private struct Entry {
        weak var outlet: Outlet<RelayFormat>?
    }

    private let entries = Mutex<[Key: Entry]>([:])
    private let loads: LoopLoads
    private let meters: FanOutMeters

    package init(loads: LoopLoads, meters: FanOutMeters) {
        self.loads = loads
        self.meters = meters
    }

    func outlet(for stream: LiveStream, _ choice: TrackChoice) -> Outlet<RelayFormat> {
        let key = Key(stream: ObjectIdentifier(stream), choice: choice)
        return entries.withLock { entries in
            // An outlet holds its stream, so one that lives belongs to the very stream of its key.
            if let outlet = entries[key]?.outlet { return outlet }
            entries = entries.filter { $0.value.outlet != nil }
            let outlet = Outlet(
                stream: stream,
                limits: RelayService.fanOutLimits,
                audience: .nodes,
                loads: loads,
                meters: meters
            ) { RelayFormat(of: stream, choice) }
            entries[key] = Entry(outlet: outlet)
            return outlet
        }
    }
}
