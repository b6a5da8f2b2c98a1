package import ClusterModel
import OrderedCollections
package import Timebase

extension ClusterState {
    /// Connections are summed; HLS and DASH viewers are estimated: fetches of one video segment over all nodes, median of the
    /// last three segments.
    package func viewers(of stream: StreamID, at now: WallTime) -> ViewerCounts {
        var counts = ViewerCounts()
        var fetches: [UInt64: (hls: Int, dash: Int)] = [:]
        for nodeID in carriers[stream] ?? [] where state(of: nodeID, at: now) != .dead {
            guard let report = leases[nodeID]?.report?.report(of: stream) else { continue }
            counts = counts + report.viewers.nonNegative
            for segment in report.segmentFetches {
                fetches[segment.sequence, default: (0, 0)].hls += max(0, segment.hls)
                fetches[segment.sequence, default: (0, 0)].dash += max(0, segment.dash)
            }
        }
        let latest = fetches.keys.sorted(by: >).prefix(3).compactMap { fetches[$0] }
        counts.hls = median(latest.map(\.hls))
        counts.dash = median(latest.map(\.dash))
        return counts
    }

    private func median(_ values: [Int]) -> Int {
        values.isEmpty ? 0 : values.sorted()[values.count / 2]
    }
}

extension ViewerCounts {
    fileprivate var nonNegative: ViewerCounts {
        var counts = ViewerCounts()
        counts.rtmp = max(0, rtmp)
        counts.httpFlv = max(0, httpFlv)
        counts.webrtc = max(0, webrtc)
        counts.srt = max(0, srt)
        return counts
    }
}
