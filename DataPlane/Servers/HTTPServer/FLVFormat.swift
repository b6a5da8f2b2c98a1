import FLV
import FanOut
package import MediaModel

package import struct NIOCore.ByteBuffer

/// A live stream as HTTP-FLV tags.
package struct FLVFormat: WireFormat {
    private var tracks: [TrackID: Track] = [:]

    package init() {}

    package func prelude(tracks: [Track]) -> [ByteBuffer] { [FLVWireForm.opening(for: tracks, timestamp: 0)] }

    package mutating func pieces(for item: StreamItem) -> [ByteBuffer]? {
        switch item {
        case .tracks(let changed):
            tracks = Dictionary(uniqueKeysWithValues: changed.map { ($0.id, $0) })
            tracks[.data] = Track(id: .data, codec: .data)
            return [FLVWireForm.headers(for: changed, timestamp: 0)]
        case .unit(let unit): return tracks[unit.track].map { FLVWireForm.pieces(for: unit, track: $0) }
        case .cut: return nil
        }
    }

    package func isStart(_ item: StreamItem) -> Bool {
        guard case .unit(let unit) = item, unit.isKeyframe, let track = tracks[unit.track] else { return false }
        return track.kind == .video || !tracks.values.contains { $0.kind == .video }
    }
}
