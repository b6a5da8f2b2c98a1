import FMP4
import MediaFixtures
import MediaModel
import Recording
import Timebase

import struct NIOCore.ByteBuffer

/// A stream as an origin cuts it, and the file that is recorded of it.
struct RecordingStory {
    var stream: FixtureStream
    var limits = RecordingLimits()
    /// One part-0 mark at each keyframe.
    var items: [StreamItem] = []

    init(seed: UInt64, seconds: Double, start: MediaTime = .zero, hasVideo: Bool = true, hasAudio: Bool = true) {
        stream = FixtureStream(seed: seed)
        stream.hasBFrames = true
        stream.start = start
        (stream.hasVideo, stream.hasAudio) = (hasVideo, hasAudio)
        stream.frameBytes = 20...60
        var sequence: UInt64 = 0
        for item in stream.items(seconds: seconds) {
            if case .unit(let unit) = item, unit.isKeyframe, unit.track == (hasVideo ? .video : .audio) {
                items.append(.cut(Self.mark(sequence, at: unit.decodeTime)))
                sequence += 1
            }
            items.append(item)
        }
    }

    static func mark(_ sequence: UInt64, part: UInt32 = 0, at time: MediaTime, isDiscontinuous: Bool = false) -> CutMark
    {
        CutMark(
            sequence: sequence,
            part: part,
            discontinuity: 0,
            isDiscontinuous: isDiscontinuous,
            mediaTime: time,
            wallTime: WallTime(milliseconds: 0),
            oldestSequence: 0
        )
    }

    func outputs() -> [Fragmenter.Output] {
        var fragmenter = Fragmenter(limits: limits)
        return items.flatMap { fragmenter.receive($0) } + fragmenter.finish()
    }

    /// The growing file, and where each of its fragments ends.
    func file() -> (bytes: ByteBuffer, ends: [Int]) {
        var bytes = ByteBuffer()
        var ends: [Int] = []
        for output in outputs() {
            switch output {
            case .begin(let tracks): bytes.writeImmutableBuffer(RecordingLayout.header(tracks))
            case .fragment(let fragment):
                bytes.writeImmutableBuffer(fragment.encoded())
                ends.append(bytes.readableBytes)
            case .end: break
            }
        }
        return (bytes, ends)
    }
}

extension ByteBuffer {
    /// What a scanner finds in these bytes as a file.
    func scanned() throws -> ScannedRecording {
        var scanner = RecordingScanner(fileBytes: UInt64(readableBytes))
        while let wanted = scanner.wanted {
            guard let slice = getSlice(at: readerIndex + Int(wanted.lowerBound), length: wanted.count) else { break }
            try scanner.receive(slice)
        }
        return try scanner.result()
    }

    /// The plain MP4 that finalising makes of it.
    func finalised() throws -> ByteBuffer {
        let scan = try scanned()
        var file = getSlice(at: readerIndex, length: Int(scan.completeBytes)) ?? ByteBuffer()
        file.setBuffer(scan.mediaHead, at: file.readerIndex + Int(scan.placeholder))
        file.writeImmutableBuffer(scan.tables)
        return file
    }
}
