import FMP4
import MPEGTS
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Which tracks of a stream a rendition holds.
package enum TrackSelection: Hashable, Sendable {
    case all
    case only(Set<TrackID>)

    func includes(_ id: TrackID) -> Bool {
        switch self {
        case .all: true
        case .only(let ids): ids.contains(id)
        }
    }
}

/// Bounds on what lies between two marks, which another node or a publisher decides.
package struct PackagerLimits: Hashable, Sendable {
    /// Far above a part of 4K video; reached only when marks fail to come.
    package var partBytesMax = 32 << 20
    package var partUnitsMax = 20_000
    /// Marks further apart are taken for a break that was not said.
    package var partDurationMax = MediaTime(seconds: 3600)

    package init() {}
}

/// What the packager made, in stream order.
package enum PackagerOutput: Hashable, Sendable {
    case initialization(ObjectName, ByteBuffer)
    /// A mark was passed: what follows belongs to the part it names.
    case opened(CutMark)
    case part(PackagedPart)
    /// No further part follows in this epoch.
    case ended
}

/// One part: a CMAF chunk, or transport stream packets that begin with the tables. A segment is the concatenation of its
/// parts.
package struct PackagedPart: Hashable, Sendable {
    package let name: ObjectName
    /// The mark that opened it.
    package let mark: CutMark
    package let duration: MediaTime
    /// A player can start decoding here.
    package let isIndependent: Bool
    package let bytes: ByteBuffer
}

/// Turns a stream's items into CMAF or MPEG-TS objects.
///
/// A part is a pure function of the tracks, the items between two marks, and these marks; in MPEG-TS, which counts packets,
/// of the segment's items so far. No clock, no older history: every node makes the same bytes, also one that joined at the
/// segment before. The tracks are those in force at the part-0 mark with which a discontinuity number begins.
package struct Packager: Sendable {
    private struct OpenPart {
        var mark: CutMark
        var units: [AccessUnit] = []
        var bytes = 0
        var isOverLimit = false
    }

    private let rendition: String
    private let epoch: Epoch
    private let container: SegmentContainer
    private let selection: TrackSelection
    private let limits: PackagerLimits
    /// As announced; they come into force with the next new discontinuity number.
    private(set) var announced: [Track]
    private var tracks: [MP4Track] = []
    package var openTracks: [Track] { tracks.map(\.track) }
    /// Of the open segment, from its first part on.
    private var muxer: TSMuxer?
    private var discontinuity: UInt64?
    private var part: OpenPart?

    package init(
        rendition: String = ObjectName.sourceRendition,
        epoch: Epoch,
        container: SegmentContainer = .fragmentedMP4,
        selection: TrackSelection = .all,
        limits: PackagerLimits = PackagerLimits(),
        announced: [Track] = []
    ) {
        self.announced = announced
        self.rendition = rendition
        self.epoch = epoch
        self.container = container
        self.selection = selection
        self.limits = limits
    }

    package mutating func receive(_ item: StreamItem) -> [PackagerOutput] {
        switch item {
        case .tracks(let tracks):
            announced = tracks
            return []
        case .unit(let unit):
            if unit.decodeTime.isUsable, unit.compositionOffset.isUsable { collect(unit) }
            return []
        case .cut(let mark):
            return mark.isUsable ? pass(mark) : []
        }
    }

    /// The stream ended in order: what is collected becomes the last part. Not for a stream that broke off, whose end each
    /// node sees elsewhere.
    package mutating func finish() -> [PackagerOutput] {
        let last = closePart(before: nil).map { [PackagerOutput.part($0)] } ?? []
        part = nil
        return last + [.ended]
    }

    /// Data and other tracks leave no trace, so that renditions differ only in what they hold.
    private mutating func collect(_ unit: AccessUnit) {
        guard selection.includes(unit.track), tracks.contains(where: { $0.track.id == unit.track }) else { return }
        guard part?.isOverLimit == false else { return }
        part?.bytes += unit.payload.readableBytes
        part?.units.append(unit)
        guard let part, part.bytes > limits.partBytesMax || part.units.count > limits.partUnitsMax else { return }
        self.part?.units = []
        self.part?.isOverLimit = true
    }

    private mutating func pass(_ mark: CutMark) -> [PackagerOutput] {
        var outputs: [PackagerOutput] = []
        if let closed = closePart(before: mark) { outputs.append(.part(closed)) }
        if mark.discontinuity != discontinuity {
            tracks = packagedTracks
            // Objects without tracks would bear the names under which other nodes have the media.
            guard !tracks.isEmpty else {
                (discontinuity, part) = (nil, nil)
                return outputs
            }
            discontinuity = mark.discontinuity
            if container == .fragmentedMP4 {
                let name = name(.initialization(mark.discontinuity))
                outputs.append(.initialization(name, InitializationSegment.encode(tracks)))
            }
        }
        if mark.part == 0, container == .transportStream {
            muxer = TSMuxer()
            muxer?.setTracks(tracks.map(\.track))
        }
        part = OpenPart(mark: mark)
        outputs.append(.opened(mark))
        return outputs
    }

    private var packagedTracks: [MP4Track] {
        let selected = announced.filter { selection.includes($0.id) }
        switch container {
        case .fragmentedMP4: return selected.compactMap(MP4Track.init)
        case .transportStream:
            var muxer = TSMuxer()
            muxer.setTracks(selected)
            return muxer.tracks.compactMap(MP4Track.init)
        }
    }

    private mutating func closePart(before next: CutMark?) -> PackagedPart? {
        guard let part, !part.isOverLimit else { return nil }
        let end = next.flatMap { next in
            let isPlausible = (.zero...limits.partDurationMax).contains(next.mediaTime - part.mark.mediaTime)
            return next.isDiscontinuous || !isPlausible ? nil : next.mediaTime
        }
        let runs = tracks.compactMap { TrackRun($0, units: part.units, end: end) }
        if next == nil, runs.isEmpty { return nil }
        guard let bytes = bytes(of: part, runs) else { return nil }
        return PackagedPart(
            name: name(.part(part.mark.sequence, part.mark.part)),
            mark: part.mark,
            duration: end.map { $0 - part.mark.mediaTime } ?? duration(of: runs, from: part.mark.mediaTime),
            isIndependent: isIndependent(part),
            bytes: bytes
        )
    }

    /// Nil of a part whose segment did not begin here.
    private mutating func bytes(of part: OpenPart, _ runs: [TrackRun]) -> ByteBuffer? {
        switch container {
        case .fragmentedMP4:
            let number = UInt32(truncatingIfNeeded: part.mark.sequence << 12) &+ part.mark.part &+ 1
            return MovieFragment.encode(runs, sequenceNumber: number)
        case .transportStream:
            guard muxer != nil else { return nil }
            // A player may begin with any part.
            muxer?.requireTables()
            var bytes = ByteBuffer()
            for unit in part.units {
                if let packets = muxer?.packets(for: unit) { bytes.writeImmutableBuffer(packets.bytes) }
            }
            return bytes
        }
    }

    private func isIndependent(_ part: OpenPart) -> Bool {
        let video = tracks.filter { $0.track.kind == .video }.map(\.track.id)
        guard !video.isEmpty else { return true }
        return part.units.first { video.contains($0.track) }?.isKeyframe ?? false
    }

    /// Of a part that no mark ends: up to where its video ends, or without video where its audio does.
    private func duration(of runs: [TrackRun], from start: MediaTime) -> MediaTime {
        let video = runs.filter { $0.track.track.kind == .video }
        let ends = (video.isEmpty ? runs : video).map {
            MediaTime(samples: Int64(clamping: $0.decodeTime) + $0.duration, rate: $0.track.timescale)
        }
        return min(max((ends.max() ?? start) - start, .zero), limits.partDurationMax)
    }

    private func name(_ kind: ObjectName.Kind) -> ObjectName {
        ObjectName(rendition: rendition, epoch: epoch, kind: kind, container: container)
    }
}

extension MediaTime {
    /// 12,000 years: every sum and every change of timescale stays in 64 bits, also of what a broken node sends.
    var isUsable: Bool { ticks.magnitude < 1 << 55 }
}

extension CutMark {
    var isUsable: Bool { mediaTime.isUsable && max(sequence, discontinuity, oldestSequence) < 1 << 62 }
}
