package import ClusterModel
import Codecs
import MediaModel
package import Renditions
import Streams
package import Timebase

extension StreamCoordinator {
    /// What the heartbeat says of this node's streams.
    package struct Report: Sendable {
        package var holds: [Hold]
        package var pulls: [Pull]
        package var streams: [StreamReport]
        package var viewers: ViewerCounts
        /// Players that were let in and are not counted yet.
        package var expectedViewers = 0
        package var publishers: Int
        package var pullsByTier: [RouteAnswer.Tier: Int]
        /// False when this node's own clock is past its lease: its holds are unconfirmed.
        package var isLeaseHeld: Bool
        package var renditions: DeriverFigures

        package typealias Hold = ClusterModel.Hold

        /// Connections that would be cut if the process ended now.
        package var sessions: Int { viewers.total + publishers }
    }

    /// `segmentFetches` tells what HLS and DASH players fetched of a stream.
    package func report(segmentFetches: @Sendable (StreamID) -> [SegmentFetches]) async -> Report {
        var report = Report(
            holds: [],
            pulls: pullReports,
            streams: [],
            viewers: ViewerCounts(),
            publishers: standingBy.count,
            pullsByTier: pullsByTier,
            isLeaseHeld: lease.isHeld(at: clock.now()),
            renditions: deriver.figures
        )
        for stream in registry.all {
            guard let view = await stream.loop.run({ StreamView(stream) }), let epoch = view.epoch else { continue }
            let id = stream.id
            var counts = stream.viewerCounts
            let isOwner = holds[id].map { $0.epoch == epoch } ?? false
            let fetches = segmentFetches(id)
            report.add(
                StreamReport(
                    app: id.app,
                    id: id.source.id,
                    epoch: epoch.value,
                    viewers: counts,
                    segmentFetches: fetches,
                    tracks: isOwner ? view.tracks.map(TrackDescription.init) : nil,
                    isBroadcasting: isOwner ? view.phase != .interrupted : nil,
                    interruptions: isOwner && view.interruptions > 0 ? view.interruptions : nil
                )
            )
            counts.hls = fetches.last?.hls ?? 0
            counts.dash = fetches.last?.dash ?? 0
            report.viewers = report.viewers + counts
            report.expectedViewers += stream.expectedViewers
            guard isOwner else { continue }
            let next = view.next.map(StreamPosition.init)
            report.holds.append(ClusterModel.Hold(app: id.app, id: id.id, epoch: epoch.value, next: next))
            report.publishers += holds[id]?.publisherCount ?? 0
        }
        return report
    }

    /// The control plane's answer to a heartbeat sent at `sentAt`.
    package func heartbeatAnswered(_ answer: HeartbeatAnswer, sentAt: MonotonicInstant, leaseSeconds: Int) async {
        lease.renewed(sentAt: sentAt, for: .seconds(leaseSeconds))
        for lost in answer.lost { await lose(lost) }
        // An answer that was under way when the drain began knows nothing of it.
        guard drain.map({ sentAt > $0.beganAt }) ?? true else { return }
        await follow(answer.directives, answer.state)
        await makeRenditions()
    }

    package func lose(_ lost: LostHold) async {
        guard let id = try? StreamID(app: lost.app, id: lost.id) else { return }
        // Without a new owner the epoch that ended is our own; whoever comes next has a newer one.
        let newer = lost.by == nil ? lost.epoch + 1 : lost.epoch
        claiming[id] = claiming[id].map { max($0, newer) }
        if holds[id] == nil { await refusePulls(of: id, olderThan: newer) } else { await fence(id, by: Epoch(newer)) }
    }
}

/// What the report needs of a stream, read on its loop in one go.
private struct StreamView: Sendable {
    var epoch: Epoch?
    var phase: LiveStream.Phase
    var interruptions: Int
    var tracks: [Track]
    var next: ResumePoint?

    init?(_ stream: LiveStream) {
        if case .ended = stream.phase { return nil }
        epoch = stream.epoch
        phase = stream.phase
        interruptions = stream.interruptions
        tracks = stream.tracks
        next = stream.nextResumePoint
    }
}

extension StreamCoordinator.Report {
    /// A stream and its renditions are one to the control plane.
    fileprivate mutating func add(_ added: StreamReport) {
        let place = streams.firstIndex { $0.app == added.app && $0.id == added.id }
        guard let place else { return streams.append(added) }
        let present = streams[place]
        // What is older than the newest owner's counts no more.
        guard added.epoch == present.epoch else {
            if added.epoch > present.epoch { streams[place] = added }
            return
        }
        streams[place].viewers = present.viewers + added.viewers
        streams[place].tracks = present.tracks ?? added.tracks
        streams[place].isBroadcasting = present.isBroadcasting ?? added.isBroadcasting
        streams[place].interruptions = present.interruptions ?? added.interruptions
        for fetches in added.segmentFetches { streams[place].count(fetches) }
    }
}

extension StreamReport {
    /// Renditions have the same sequence numbers for the same time.
    fileprivate mutating func count(_ added: SegmentFetches) {
        if let place = segmentFetches.firstIndex(where: { $0.sequence == added.sequence }) {
            segmentFetches[place].hls += added.hls
            segmentFetches[place].dash += added.dash
        } else {
            segmentFetches.append(added)
            segmentFetches.sort { $0.sequence < $1.sequence }
        }
    }
}

extension TrackDescription {
    init(_ track: Track) {
        self.init(kind: track.kind.rawValue, codec: track.codec.name)
        if let size = track.codec.pictureSize {
            width = size.width
            height = size.height
        }
        sampleRate = track.codec.sampleRate
        switch track.codec {
        case .aac(_, _, let count), .mp3(_, let count), .ac3(_, _, let count), .opus(_, let count): channels = count
        case .h264, .h265, .av1, .vp8, .vp9, .data: break
        }
    }
}
