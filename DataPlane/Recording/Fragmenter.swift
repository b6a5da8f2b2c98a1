package import FMP4
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Bounds of one recording.
package struct RecordingLimits: Hashable, Sendable {
    /// A crash loses at most so much, or one GOP where that is shorter.
    package var fragmentDuration = MediaTime(seconds: 2)
    /// 20 Mbit/s for 12 s; more in one piece means that no cut comes.
    package var fragmentBytesMax = 32 << 20
    package var fragmentUnitsMax = 20_000
    /// A longer recording goes on in another file: the tables of one file are held in memory when it is finalised.
    package var fileDurationMax = MediaTime(seconds: 6 * 3600)
    package var fileBytesMax = 16 << 30
    /// What waits for the disk. A disk that is further behind will not catch up.
    package var queueBytesMax = 64 << 20

    package init() {}
}

/// Cuts a stream into recording files, and these into fragments. Pure.
///
/// A file has one set of tracks: when they change, another file begins. Times in a file begin at zero.
package struct Fragmenter: Sendable {
    package enum Output: Hashable, Sendable {
        /// A file begins with the unit that comes next, at this time of the stream.
        case begin([MP4Track])
        case fragment(Fragment)
        /// The file is complete.
        case end
    }

    /// What is written in one piece. Encoding it copies the media, so that is left to the writer's thread.
    package struct Fragment: Hashable, Sendable {
        package let number: UInt32
        package let tracks: [MP4Track]
        package let units: [AccessUnit]
        /// Where the next fragment begins; nil where that is not known.
        package let end: MediaTime?
        package let byteCount: Int

        package func encoded() -> ByteBuffer {
            MovieFragment.encode(tracks.compactMap { TrackRun($0, units: units, end: end) }, sequenceNumber: number)
        }
    }

    private struct File {
        var tracks: [MP4Track]
        /// The stream's time at which the file begins.
        var base: MediaTime
        var number: UInt32 = 1
        var begin: MediaTime
        var bytes = 0
        var units: [AccessUnit] = []
        var unitBytes = 0
    }

    private let limits: RecordingLimits
    private var tracks: [MP4Track] = []
    private var file: File?

    package init(limits: RecordingLimits = RecordingLimits()) { self.limits = limits }

    package mutating func receive(_ item: StreamItem) -> [Output] {
        switch item {
        case .tracks(let announced): return learn(announced.compactMap(MP4Track.init))
        case .cut(let mark): return pass(mark)
        case .unit(let unit): return take(unit)
        }
    }

    /// Nothing more comes.
    package mutating func finish() -> [Output] { endFile() }

    /// Items are missing: what follows cannot be decoded until the next keyframe.
    package mutating func gap() -> [Output] { endFile() }

    private mutating func learn(_ announced: [MP4Track]) -> [Output] {
        tracks = announced
        return file.map { $0.tracks != announced } == true ? endFile() : []
    }

    private mutating func pass(_ mark: CutMark) -> [Output] {
        guard let file else { return [] }
        let isDue = mark.part == 0 || mark.mediaTime - file.begin >= limits.fragmentDuration
        guard isDue, !file.units.isEmpty else { return [] }
        let outputs = cutFragment(end: mark.isDiscontinuous ? nil : mark.mediaTime)
        let isFull = file.bytes >= limits.fileBytesMax || mark.mediaTime - file.base >= limits.fileDurationMax
        return mark.part == 0 && isFull ? outputs + endFile() : outputs
    }

    private mutating func take(_ unit: AccessUnit) -> [Output] {
        guard let track = tracks.first(where: { $0.track.id == unit.track }) else { return [] }
        var outputs: [Output] = []
        if file == nil {
            let isVideo = track.track.kind == .video
            guard isVideo ? unit.isKeyframe : !tracks.contains(where: { $0.track.kind == .video }) else { return [] }
            file = File(tracks: tracks, base: unit.decodeTime, begin: unit.decodeTime)
            outputs.append(.begin(tracks))
        }
        guard var file, unit.decodeTime >= file.base else { return outputs }
        var placed = unit
        placed.decodeTime = unit.decodeTime - file.base
        file.units.append(placed)
        file.unitBytes += unit.payload.readableBytes
        self.file = file
        let isOver = file.unitBytes >= limits.fragmentBytesMax || file.units.count >= limits.fragmentUnitsMax
        return isOver ? outputs + cutFragment(end: nil) : outputs
    }

    private mutating func cutFragment(end: MediaTime?) -> [Output] {
        guard var file, let last = file.units.last else { return [] }
        let fragment = Fragment(
            number: file.number,
            tracks: file.tracks,
            units: file.units,
            end: end.map { $0 - file.base },
            byteCount: file.unitBytes
        )
        file.bytes += file.unitBytes
        file.number &+= 1
        file.begin = end ?? last.decodeTime + file.base
        (file.units, file.unitBytes) = ([], 0)
        self.file = file
        return [.fragment(fragment)]
    }

    private mutating func endFile() -> [Output] {
        guard file != nil else { return [] }
        let outputs = cutFragment(end: nil)
        file = nil
        return outputs + [.end]
    }
}
