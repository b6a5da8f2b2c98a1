import Bytes
import FMP4
import MediaFixtures
import MediaModel
import Recording
import Testing
import Timebase

import struct NIOCore.ByteBuffer

struct RecordingFileTests {
    @Test func `cut short anywhere, a file keeps every fragment that was complete`() throws {
        let (bytes, ends) = RecordingStory(seed: 3, seconds: 6).file()
        #expect(ends.count == 3)
        for length in 0...bytes.readableBytes {
            let cut = try #require(bytes.getSlice(at: bytes.readerIndex, length: length))
            guard let kept = ends.last(where: { $0 <= length }) else {
                #expect(throws: RecordingFault.empty) { try cut.scanned() }
                continue
            }
            let scan = try cut.scanned()
            guard scan.completeBytes == UInt64(kept) else {
                Issue.record("of \(length) bytes \(scan.completeBytes) are kept, not \(kept)")
                return
            }
        }
    }

    @Test func `bytes of an interrupted write are no fragment`() throws {
        let (bytes, ends) = RecordingStory(seed: 3, seconds: 4).file()
        for filler: UInt8 in [0x00, 0xFF] {
            var file = try #require(bytes.getSlice(at: bytes.readerIndex, length: ends[0]))
            file.writeRepeatingByte(filler, count: 4096)
            #expect(try file.scanned().completeBytes == UInt64(ends[0]))
        }
    }

    @Test(arguments: [(true, true), (true, false), (false, true)])
    func `the tables of a finalised file find every sample`(hasVideo: Bool, hasAudio: Bool) throws {
        let story = RecordingStory(seed: 5, seconds: 5, hasVideo: hasVideo, hasAudio: hasAudio)
        let movie = try ParsedMovie(try story.file().bytes.finalised())
        for track in story.stream.tracks {
            let payloads = story.items.compactMap { item in
                if case .unit(let unit) = item, unit.track == track.id { unit.payload } else { nil }
            }
            let found = try #require(movie.tracks[UInt32(track.id.value) + 1])
            #expect(found.samples == payloads)
        }
        #expect(movie.tracks.count == story.stream.tracks.count)
        #expect(movie.boxes == ["ftyp", "mdat", "moov"])
    }

    @Test func `keyframes, durations and composition offsets are the stream's`() throws {
        let story = RecordingStory(seed: 5, seconds: 5)
        let movie = try ParsedMovie(try story.file().bytes.finalised())
        let video = try #require(movie.tracks[UInt32(TrackID.video.value) + 1])
        let units = story.items.compactMap { item in
            if case .unit(let unit) = item, unit.track == .video { unit } else { nil }
        }
        #expect(video.syncSamples == units.enumerated().filter(\.element.isKeyframe).map { UInt32($0.offset + 1) })
        #expect(video.compositionOffsets == units.map { Int32($0.compositionOffset.ticks) })
        #expect(video.durations == Array(repeating: 3000, count: units.count))
    }

    @Test func `what is missing between two fragments is time that passes`() throws {
        var story = RecordingStory(seed: 5, seconds: 6)
        let hole = MediaTime(seconds: 2)..<MediaTime(seconds: 4)
        // Nobody knows beforehand where a stream goes on that broke off: the fragment before it has no end.
        story.items = story.items.compactMap { item in
            switch item {
            case .tracks: return item
            case .unit(let unit): return hole.contains(unit.decodeTime) ? nil : item
            case .cut(var mark):
                mark.isDiscontinuous = mark.mediaTime == hole.upperBound
                return hole.contains(mark.mediaTime) ? nil : .cut(mark)
            }
        }
        let movie = try ParsedMovie(try story.file().bytes.finalised())
        let video = try #require(movie.tracks[UInt32(TrackID.video.value) + 1])
        #expect(video.durations.reduce(0) { $0 + Int($1) } == 6 * 90_000)
    }

    @Test func `a finalised file is told from one that grows`() throws {
        let final = try RecordingStory(seed: 5, seconds: 4).file().bytes.finalised()
        var scanner = RecordingScanner(fileBytes: UInt64(final.readableBytes))
        while let wanted = scanner.wanted {
            try scanner.receive(try #require(final.getSlice(at: Int(wanted.lowerBound), length: wanted.count)))
        }
        #expect(scanner.isFinal)
    }

    @Test func `finalising that was cut short is done again with the same result`() throws {
        let (bytes, _) = RecordingStory(seed: 5, seconds: 4).file()
        let scan = try bytes.scanned()
        let final = try bytes.finalised()
        for written in stride(from: 0, through: scan.tables.readableBytes, by: 7) {
            var file = bytes
            file.writeImmutableBuffer(try #require(scan.tables.getSlice(at: 0, length: written)))
            #expect(try file.finalised() == final)
        }
    }

    @Test func `other files are refused with a reason`() {
        let file = ByteBuffer(string: "RIFF0000WAVEfmt ")
        #expect(throws: RecordingFault.notARecording("it begins with '0000'")) { try file.scanned() }
    }
}

/// A plain MP4 as a player reads it; written from the specification, not from what is tested.
private struct ParsedMovie {
    struct Track {
        var samples: [ByteBuffer] = []
        var durations: [UInt32] = []
        var compositionOffsets: [Int32] = []
        var syncSamples: [UInt32] = []
    }

    var boxes: [String] = []
    var tracks: [UInt32: Track] = [:]

    init(_ file: ByteBuffer) throws {
        var position = 0
        var movie: Box?
        while position < file.readableBytes {
            let size = try #require(file.getInteger(at: position, as: UInt32.self))
            let type = FourCC(try #require(file.getInteger(at: position + 4, as: UInt32.self)))
            let length = size == 1 ? Int(try #require(file.getInteger(at: position + 8, as: UInt64.self))) : Int(size)
            if type == "moov" { movie = try Box.parse(try #require(file.getSlice(at: position, length: length))).first }
            boxes.append(type.description)
            position += length
        }
        for box in try #require(movie).children() where box.type == "trak" { try read(box, of: file) }
    }

    private mutating func read(_ trak: Box, of file: ByteBuffer) throws {
        func child(_ type: FourCC, _ box: Box) throws -> Box {
            let children = try box.children()
            return try #require(children.first { $0.type == type })
        }
        let header = try child("tkhd", trak).payload
        let number = try #require(header.getInteger(at: header.readerIndex + 12, as: UInt32.self))
        let table = try child("stbl", try child("minf", try child("mdia", trak)))
        func words(_ type: FourCC) throws -> [UInt32]? {
            guard var payload = try table.children().first(where: { $0.type == type })?.payload else { return nil }
            var words: [UInt32] = []
            while let word = payload.readInteger(as: UInt32.self) { words.append(word) }
            return words
        }
        var track = Track()
        let sizes = Array((try words("stsz") ?? []).dropFirst(3))
        let chunks = (try words("co64") ?? []).dropFirst(2).chunks(of: 2).map { Int($0[0]) << 32 | Int($0[1]) }
        let perChunk = (try words("stsc") ?? []).dropFirst(2).chunks(of: 3)
        var sample = 0
        for (index, chunk) in chunks.enumerated() {
            let count = try #require(perChunk.last { $0[0] <= UInt32(index + 1) })[1]
            var position = chunk
            for _ in 0..<count {
                track.samples.append(try #require(file.getSlice(at: position, length: Int(sizes[sample]))))
                position += Int(sizes[sample])
                sample += 1
            }
        }
        #expect(sample == sizes.count)
        for run in (try words("stts") ?? []).dropFirst(2).chunks(of: 2) {
            track.durations += Array(repeating: run[1], count: Int(run[0]))
        }
        for run in (try words("ctts") ?? []).dropFirst(2).chunks(of: 2) {
            track.compositionOffsets += Array(repeating: Int32(bitPattern: run[1]), count: Int(run[0]))
        }
        track.syncSamples = Array((try words("stss") ?? []).dropFirst(2))
        tracks[number] = track
    }
}

extension RandomAccessCollection where Index == Int {
    fileprivate func chunks(of size: Int) -> [[Element]] {
        stride(from: startIndex, to: endIndex, by: size).map { Array(self[$0..<Swift.min($0 + size, endIndex)]) }
    }
}
