package import MPEGTS
import MediaModel
package import Streams

package import struct NIOCore.ByteBuffer

/// Turns a publisher's transport stream into the hub's items.
package struct TSToStream: Sendable {
    private var demuxer: TSDemuxer
    private var tracks: [Track] = []

    package init(limits: TSLimits = TSLimits()) { demuxer = TSDemuxer(limits: limits) }

    package var statistics: TSStatistics { demuxer.statistics }

    /// Adds what the bytes complete to `batch`. Returns the elementary streams that are left out from now on.
    package mutating func take(_ bytes: ByteBuffer, into batch: inout [IngestItem]) throws(TSError) -> [TSTrackRefusal]
    {
        pass(try demuxer.receive(bytes), into: &batch)
    }

    /// The publisher is gone: what waited for more goes out.
    package mutating func finish(into batch: inout [IngestItem]) { _ = pass(demuxer.finish(), into: &batch) }

    private mutating func pass(_ events: [TSDemuxer.Event], into batch: inout [IngestItem]) -> [TSTrackRefusal] {
        var refusals: [TSTrackRefusal] = []
        for event in events {
            switch event {
            case .tracks(let tracks):
                self.tracks = tracks
                batch.append(.tracks(tracks))
            case .unit(let unit): batch.append(IngestItem(unit, of: tracks))
            case .refused(let refusal): refusals.append(refusal)
            }
        }
        return refusals
    }
}
