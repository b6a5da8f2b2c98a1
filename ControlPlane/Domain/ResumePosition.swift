import ClusterModel
import Timebase

/// Where the next owner of a stream continues it, so that timelines and media sequences only grow for viewers.
extension ClusterState {
    /// Nil for a stream that never had media or finished too long ago to have viewers.
    func resumePosition(of record: StreamRecord, _ stream: StreamID, at now: WallTime) -> StreamPosition? {
        guard record.startedAt != nil, readable(stream, at: now) != nil else { return nil }
        if record.owner == nil, let next = record.next { return next }
        guard let last = positions[stream], last.epoch == record.epoch else { return estimate(record, at: now) }
        return last.next.advanced(
            by: now - last.heardAt,
            segmentDuration: settings(of: record.app).hlsSegmentDuration,
            margin: timing.resumeMargin
        )
    }

    /// When no heartbeat told it: from where the epoch began, as if media had flowed without a break.
    private func estimate(_ record: StreamRecord, at now: WallTime) -> StreamPosition {
        let began = record.began ?? StreamPosition(sequence: 0, discontinuity: 0, mediaTime: 0)
        return began.advanced(
            by: now - (record.beganAt ?? now),
            segmentDuration: settings(of: record.app).hlsSegmentDuration,
            margin: timing.resumeMargin
        )
    }
}

extension StreamPosition {
    /// The furthest that media can have come in `elapsed`: a segment is never shorter than `segmentDuration` seconds.
    func advanced(by elapsed: Duration, segmentDuration: Double, margin: Duration) -> StreamPosition {
        let seconds = max(0, elapsed.secondsAsDouble)
        return StreamPosition(
            sequence: sequence + UInt64((seconds / segmentDuration).rounded(.up)) + 1,
            discontinuity: discontinuity + 1,
            mediaTime: mediaTime + seconds + margin.secondsAsDouble
        )
    }
}
