import HLS
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase

@Suite struct SegmentCutterTests {
    @Test func `a new owner's first segment is whole after one part, and the next ends with a keyframe`() throws {
        let resume = ResumePoint(sequence: 10, discontinuity: 1, mediaTime: .zero)
        let marks = cuts(marked(FixtureStream(seed: 14).items(seconds: 13), resume: resume)).filter { $0.part == 0 }
        let starts = marks.map(\.mediaTime.milliseconds)
        #expect(marks.map(\.sequence) == Array(10..<10 + UInt64(marks.count)))
        #expect((160...201).contains(starts[1] - starts[0]), "\(starts)")
        #expect(marks.dropFirst().allSatisfy { !$0.isDiscontinuous })
        let plain = cuts(marked(FixtureStream(seed: 14).items(seconds: 13))).filter { $0.part == 0 }
        #expect(starts.dropFirst(2).allSatisfy { plain.map(\.mediaTime.milliseconds).contains($0) }, "\(starts)")
    }

    @Test func `a takeover's target duration is that of all other segments where keyframes come once a segment`() {
        var stream = FixtureStream(seed: 1)
        stream.keyframeInterval = 60
        let resume = ResumePoint(sequence: 10, discontinuity: 1, mediaTime: .zero)
        let starts = segmentStarts(marked(stream.items(seconds: 9), resume: resume))
        #expect(starts.first == 0 && Array(starts.dropFirst(2)) == [2000, 4000, 6000, 8000], "\(starts)")
    }

    /// A report may be as old as the heartbeat's period.
    @Test func `the number told to the next owner is beyond all that the short segment lets open meanwhile`() {
        let resume = ResumePoint(sequence: 10, discontinuity: 1, mediaTime: .zero)
        let items = FixtureStream(seed: 14).items(seconds: 13)
        var cutter = SegmentCutter(settings: PackagingSettings(), resume: resume)
        var told: [(at: MediaTime, UInt64)] = []
        for item in items {
            let mark = cutter.receive(item, at: WallTime(milliseconds: 0))
            guard case .unit(let unit) = item else { continue }
            if let mark, mark.part == 0 {
                for (at, next) in told where unit.decodeTime - at <= MediaTime(milliseconds: 5000) {
                    #expect(mark.sequence <= next, "told at \(at), cut at \(unit.decodeTime)")
                }
            }
            told.append((unit.decodeTime, cutter.next(after: .seconds(5)).sequence))
        }
    }

    @Test func `a segment opens at each keyframe that is a segment's duration in`() {
        var stream = FixtureStream(seed: 1)
        stream.keyframeInterval = 30
        let items = marked(stream.items(seconds: 7))
        #expect(segmentStarts(items) == [0, 2000, 4000, 6000])
        #expect(cuts(items).map(\.sequence).max() == 3)
        #expect(cuts(items).allSatisfy { !$0.isDiscontinuous && $0.discontinuity == 0 })
    }

    @Test func `layers that come and go beside the pictures cut nothing`() throws {
        let stream = FixtureStream(seed: 1)
        var items = stream.items(seconds: 7)
        let before = cuts(marked(items))
        var tracks = stream.tracks
        let video = try #require(tracks.firstIndex { $0.kind == .video })
        tracks[video].layers = [Track(id: TrackID(16), codec: .vp8(width: 320, height: 180))]
        items.insert(.tracks(tracks), at: items.count / 2)
        #expect(cuts(marked(items)) == before)
    }

    /// The first segment makes the target duration 3 s; two of the longer groups of pictures last more than that.
    @Test func `a segment that could not wait for the next keyframe ends with the one before`() {
        let distances: [Int64] = [1500, 1900, 1500, 1900, 1900, 1800, 1400, 1900, 1900, 1900]
        let keyframes = distances.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        var starts: [Int64] = []
        feedPictures(keyframes: keyframes, until: keyframes.last ?? 0) { time, mark, _ in
            if let mark, mark.part == 0 { starts.append(time) }
        }
        #expect(starts.filter { !keyframes.contains($0) } == [])
        #expect(
            zip(starts, starts.dropFirst()).allSatisfy { ($1 - $0 + 500) / 1000 <= 3 && $1 - $0 >= 1000 },
            "\(starts)"
        )
    }

    @Test func `parts begin at video units and last at most a part's duration`() {
        let items = marked(FixtureStream(seed: 2).items(seconds: 4))
        let marks = cuts(items)
        #expect(marks.prefix(11).map(\.part) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
        #expect(zip(marks, marks.dropFirst()).allSatisfy { ($1.mediaTime - $0.mediaTime).milliseconds == 200 })
        for (item, next) in zip(items, items.dropFirst()) {
            guard case .cut(let mark) = item, case .unit(let unit) = next else { continue }
            #expect(unit.track == .video)
            #expect(unit.decodeTime == mark.mediaTime)
        }
    }

    @Test(arguments: [24, 25, 30, 50, 60] as [Int64])
    func `millisecond timestamps move neither segments nor parts`(framesPerSecond: Int64) {
        var stream = FixtureStream(seed: 3)
        stream.framesPerSecond = framesPerSecond
        stream.keyframeInterval = Int(2 * framesPerSecond)
        stream.roundsToMilliseconds = true
        let marks = cuts(marked(stream.items(seconds: 9)))
        #expect(marks.filter { $0.part == 0 }.map(\.mediaTime.milliseconds) == [0, 2000, 4000, 6000, 8000])
        let longest = zip(marks, marks.dropFirst()).map { ($1.mediaTime - $0.mediaTime).milliseconds }.max()
        #expect(longest == (framesPerSecond == 24 ? 167 : 200))
    }

    @Test func `a keyframe a rounding early still opens a segment`() {
        var cutter = SegmentCutter(settings: PackagingSettings(), resume: .start)
        let tracks = FixtureStream(seed: 1).tracks
        let times: [Int64] = [0, 1960, 1999]
        let units = times.map {
            StreamItem.unit(
                AccessUnit(
                    track: .video,
                    decodeTime: MediaTime(milliseconds: $0),
                    isKeyframe: $0 != 1960,
                    payload: ByteBuffer()
                )
            )
        }
        #expect(segmentStarts(marked([.tracks(tracks)] + units, by: &cutter)) == [0, 1999])
    }

    @Test func `B-frames do not change where cuts lie, as decode times decide`() {
        var plain = FixtureStream(seed: 4)
        plain.keyframeInterval = 60
        var reordered = plain
        reordered.hasBFrames = true
        #expect(cuts(marked(plain.items(seconds: 5))) == cuts(marked(reordered.items(seconds: 5))))
    }

    @Test func `audio alone is cut by duration`() {
        var stream = FixtureStream(seed: 5)
        stream.hasVideo = false
        let marks = cuts(marked(stream.items(seconds: 7)))
        let starts = marks.filter { $0.part == 0 }.map(\.mediaTime.milliseconds)
        #expect(starts.count == 4)
        #expect(zip(starts, starts.dropFirst()).allSatisfy { (1980...2025).contains($1 - $0) })
        #expect(zip(marks, marks.dropFirst()).allSatisfy { ($1.mediaTime - $0.mediaTime).milliseconds <= 200 })
    }

    @Test func `video alone is cut as with audio`() {
        var stream = FixtureStream(seed: 6)
        stream.hasAudio = false
        #expect(segmentStarts(marked(stream.items(seconds: 5))) == [0, 2000, 4000])
    }

    @Test func `audio before the first keyframe opens nothing, unless it stays alone`() {
        let stream = FixtureStream(seed: 7)
        let late = stream.items(seconds: 4).filter { item in
            guard case .unit(let unit) = item, unit.track == .video else { return true }
            return unit.decodeTime >= MediaTime(milliseconds: 2000)
        }
        #expect(segmentStarts(marked(late)).first == 2000)
        let never = stream.items(seconds: 4).filter { item in
            guard case .unit(let unit) = item else { return true }
            return unit.track == .audio
        }
        #expect(segmentStarts(marked(never)).first.map { (2000...2030).contains($0) } == true)
    }

    @Test func `video that pauses no longer holds the audio's parts back`() {
        let items = FixtureStream(seed: 8).items(seconds: 6).filter { item in
            guard case .unit(let unit) = item, unit.track == .video else { return true }
            return unit.decodeTime < MediaTime(milliseconds: 2000)
        }
        let marks = cuts(marked(items))
        #expect(zip(marks, marks.dropFirst()).allSatisfy { ($1.mediaTime - $0.mediaTime).milliseconds < 1030 })
        #expect((marks.last?.mediaTime.milliseconds ?? 0) > 4500)
    }

    @Test func `a group of pictures without end is cut hard at ten segment durations`() {
        var stream = FixtureStream(seed: 9)
        stream.keyframeInterval = 10_000
        stream.frameBytes = 10...20
        #expect(segmentStarts(marked(stream.items(seconds: 45))) == [0, 20_000, 40_000])
    }

    @Test func `new codec parameters open a discontinuous segment, the same ones again do not`() {
        let stream = FixtureStream(seed: 10)
        var changed = stream.tracks
        changed[1].codec = .aac(configuration: ByteBuffer(bytes: [0x12, 0x10]), sampleRate: 44_100, channels: 2)
        var items = stream.items(seconds: 4)
        items.insert(.tracks(stream.tracks), at: 40)
        items.insert(.tracks(stream.tracks + [Track(id: .data, codec: .data)]), at: 50)
        items.insert(.tracks(changed), at: 80)
        let breaks = cuts(marked(items)).filter(\.isDiscontinuous)
        #expect(breaks.count == 1)
        #expect(breaks.first?.discontinuity == 1)
        #expect(breaks.first?.part == 0)
        #expect(breaks.first?.sequence == 1)
    }

    @Test func `a jump of the timeline opens a discontinuous segment`() {
        var later = FixtureStream(seed: 11)
        later.start = MediaTime(milliseconds: 60_000)
        let items = FixtureStream(seed: 11).items(seconds: 3) + later.items(seconds: 3).dropFirst()
        let breaks = cuts(marked(items)).filter(\.isDiscontinuous)
        #expect(breaks.map(\.mediaTime.milliseconds) == [60_000])
    }

    @Test func `a next owner begins where it is told to, with a break`() throws {
        let resume = ResumePoint(sequence: 812, discontinuity: 3, mediaTime: MediaTime(milliseconds: 1_624_000))
        var stream = FixtureStream(seed: 12)
        stream.start = resume.mediaTime
        var cutter = SegmentCutter(settings: PackagingSettings(), resume: resume)
        #expect(cutter.next == resume)
        let first = try #require(cuts(marked(stream.items(seconds: 3), by: &cutter)).first)
        #expect(first.sequence == 812)
        #expect(first.discontinuity == 3)
        #expect(first.isDiscontinuous)
        #expect(first.mediaTime == resume.mediaTime)
        #expect(first.oldestSequence == 812)
    }

    @Test func `what the next owner is told lies ahead of all that can be out by then`() {
        var cutter = SegmentCutter(settings: PackagingSettings(), resume: .start)
        let items = FixtureStream(seed: 13).items(seconds: 30)
        var reports: [ResumePoint] = []
        var reportAt: [Int64] = []
        for item in items {
            let mark = cutter.receive(item, at: WallTime(milliseconds: 0))
            guard case .unit(let unit) = item else { continue }
            for (report, time) in zip(reports, reportAt) where unit.decodeTime.milliseconds <= time + 10_000 {
                if let mark { #expect(mark.sequence < report.sequence) }
                #expect(unit.decodeTime <= report.mediaTime)
            }
            if unit.isKeyframe, unit.track == .video {
                reports.append(cutter.next(after: .seconds(10)))
                reportAt.append(unit.decodeTime.milliseconds)
            }
        }
        #expect(reports.count == 15)
    }

    @Test func `early cuts that begin after a report do not overtake what it told`() {
        // Even groups of pictures for 8 s, then such that a segment cannot wait for the keyframe after the next.
        let keyframes: [Int64] = [0, 2000, 4000, 6000, 8000] + (1...8).map { 8000 + $0 * 1100 }
        var told: [(at: Int64, sequence: UInt64)] = []
        feedPictures(keyframes: keyframes, until: 16_800) { time, mark, cutter in
            if let mark {
                #expect(told.allSatisfy { time > $0.at + 8000 || mark.sequence < $0.sequence }, "cut at \(time)")
            }
            told.append((time, cutter.next(after: .seconds(8)).sequence))
        }
    }

    /// Feeds a new cutter a picture every 100 ms, and tells the mark before each and the cutter after it.
    private func feedPictures(
        keyframes: [Int64],
        until end: Int64,
        _ body: (_ time: Int64, CutMark?, SegmentCutter) -> Void
    ) {
        var cutter = SegmentCutter(settings: PackagingSettings(), resume: .start)
        let tracks = FixtureStream(seed: 1).tracks.filter { $0.kind == .video }
        _ = cutter.receive(.tracks(tracks), at: WallTime(milliseconds: 0))
        for time in stride(from: Int64(0), through: end, by: 100) {
            let unit = AccessUnit(
                track: .video,
                decodeTime: MediaTime(milliseconds: time),
                isKeyframe: keyframes.contains(time),
                payload: ByteBuffer()
            )
            body(time, cutter.receive(.unit(unit), at: WallTime(milliseconds: time)), cutter)
        }
    }

    @Test func `the oldest listed segment follows the window, never before the epoch's first`() {
        var settings = PackagingSettings()
        settings.windowSegments = 3
        let resume = ResumePoint(sequence: 10, discontinuity: 1, mediaTime: .zero)
        let marks = cuts(marked(FixtureStream(seed: 14).items(seconds: 13), settings: settings, resume: resume))
        #expect(marks.filter { $0.part == 0 }.map(\.oldestSequence) == [10, 10, 10, 10, 11, 12, 13, 14])
    }
}
