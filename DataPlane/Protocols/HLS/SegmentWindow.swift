package import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// Keeps the `SegmentIndex` of one rendition up to date with what the packager makes.
///
/// The same outputs after the same index give the same index, on every node.
package struct SegmentWindow: Sendable {
    package private(set) var index: SegmentIndex
    /// A part was opened that has not come, and never will when later ones come first: the packager gives out no part over
    /// its limits, and a relay may resume too late. A segment that lacks one cannot be listed.
    private var lacksPart: Bool
    /// As the origin told last: the playlists of all nodes begin there.
    private var oldestSequence: UInt64 = 0

    package init(index: SegmentIndex) {
        self.index = index
        lacksPart = index.open != nil
    }

    /// Names a state of the playlist: equal versions render to equal bytes, on every node.
    package struct Version: Hashable, Sendable {
        package let epoch: Epoch
        /// The open segment, or the one after the last when the stream has ended.
        package let sequence: UInt64
        /// Parts the open segment has.
        package let partCount: Int
        package let isEnded: Bool

        /// Of two of one epoch: whether this one tells of all that `other` does.
        func isAtLeast(_ other: Version) -> Bool {
            (sequence, partCount, isEnded ? 1 : 0) >= (other.sequence, other.partCount, other.isEnded ? 1 : 0)
        }
    }

    package var version: Version {
        Version(
            epoch: index.epoch,
            sequence: nextSequence,
            partCount: index.open?.parts.count ?? 0,
            isEnded: index.isEnded
        )
    }

    /// A playlist without a complete segment is an error to many players.
    package var isPlayable: Bool { !index.segments.isEmpty }

    /// Some players that begin with a single segment never get on: GStreamer 1.22 shows nothing. Behind a break, as after a
    /// takeover, a first segment is for players that are there already.
    package var hasJustBegun: Bool { index.segments.count < 2 && index.segments.first?.isDiscontinuous != true }

    /// Of the segment that is open or opens next.
    package var nextSequence: UInt64 { index.open?.sequence ?? index.segments.last.map { $0.sequence + 1 } ?? 0 }

    /// Other nodes list segments that came before this one began to listen, or while it missed something.
    package var lacksSegments: Bool {
        guard let first = index.segments.first ?? index.open else { return false }
        return first.sequence > oldestSequence
    }

    /// What is known of a media time.
    package enum Moment: Hashable, Sendable {
        /// The segment of this number begins then.
        case segment(UInt64)
        /// The next segment may.
        case notYet
        case unknown
    }

    /// Target durations from the newest segment's beginning in which the next one is sure to begin.
    private static let nextWithinTargets: Int64 = 3

    func segment(at time: MediaTime, of epoch: Epoch) -> Moment {
        guard epoch == index.epoch else { return epoch > index.epoch ? .notYet : .unknown }
        if let open = index.open, open.mediaTime == time { return .segment(open.sequence) }
        if let found = index.segments.last(where: { $0.mediaTime == time }) { return .segment(found.sequence) }
        guard !index.isEnded else { return .unknown }
        guard let newest = (index.open ?? index.segments.last)?.mediaTime else { return .notYet }
        let ahead = MediaTime(seconds: Double(Self.nextWithinTargets * index.targetDurationSeconds))
        return time > newest && time <= newest + ahead ? .notYet : .unknown
    }

    package mutating func receive(_ output: PackagerOutput) {
        switch output {
        case .initialization: break
        case .opened(let mark):
            oldestSequence = max(oldestSequence, mark.oldestSequence)
            opened(mark)
        case .part(let part): closed(part)
        case .ended: ended()
        }
    }

    /// Marks and parts of the past are ignored: a late joiner's stream begins before the end of its index.
    private mutating func opened(_ mark: CutMark) {
        guard !index.isEnded, mark.sequence >= nextSequence || index.open == nil && index.segments.isEmpty else {
            return
        }
        if let open = index.open, open.sequence == mark.sequence {
            if mark.part >= open.parts.count { lacksPart = true }
            return
        }
        guard mark.part == 0 else { return }
        if let open = index.open, mark.sequence == open.sequence + 1, !open.parts.isEmpty, !lacksPart {
            complete(open)
        } else if index.open != nil || mark.sequence > nextSequence {
            index.segments.removeAll()
        }
        open(mark)
    }

    private mutating func open(_ mark: CutMark) {
        lacksPart = true
        let before = index.segments.last
        index.segments.removeAll { $0.sequence < mark.oldestSequence }
        var segment = SegmentIndex.Segment(
            sequence: mark.sequence,
            discontinuity: mark.discontinuity,
            isDiscontinuous: mark.isDiscontinuous,
            wallTime: mark.wallTime
        )
        segment.mediaTime = mark.mediaTime
        if let before, before.discontinuity == mark.discontinuity {
            segment.timelineStart = before.timelineStart
        } else {
            segment.timelineStart = SegmentIndex.TimelineStart(wallTime: mark.wallTime, mediaTime: mark.mediaTime)
        }
        index.open = segment
    }

    private mutating func closed(_ part: PackagedPart) {
        guard !index.isEnded, let open = index.open, part.mark.sequence == open.sequence,
            Int(part.mark.part) == open.parts.count
        else { return }
        lacksPart = false
        index.open?.append(
            SegmentIndex.Part(
                duration: part.duration,
                isIndependent: part.isIndependent,
                byteCount: part.bytes.readableBytes
            )
        )
        index.longestPart = max(index.longestPart, part.duration.roundedUp(toMilliseconds: 10))
    }

    private mutating func ended() {
        if let open = index.open, !open.parts.isEmpty { complete(open) }
        index.open = nil
        index.isEnded = true
    }

    private mutating func complete(_ segment: SegmentIndex.Segment) {
        index.segments.append(segment)
        index.targetDurationSeconds = max(index.targetDurationSeconds, segment.duration.wholeSeconds)
        forgetOldParts()
    }

    /// Parts are listed within three target durations of the end (RFC 8216bis §4.4.4.9).
    private mutating func forgetOldParts() {
        let listed = MediaTime(seconds: Double(3 * index.targetDurationSeconds))
        var behind = MediaTime.zero
        for position in index.segments.indices.reversed() {
            if behind >= listed { index.segments[position].parts = [] }
            behind = behind + index.segments[position].duration
        }
    }
}
