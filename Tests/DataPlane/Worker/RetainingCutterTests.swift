import ClusterModel
import MediaFixtures
import MediaModel
import Streams
import Testing
import Timebase
import Worker

@Suite struct RetainingCutterTests {
    /// Runs the fixture through a cutter, switching retention on and off at the given seconds; the segment marks.
    private func segments(resume: ResumePoint = .start, switching: [(Double, Bool)]) -> [CutMark] {
        var settings = AppSettings()
        settings.hlsWindowSegments = 3
        var cutter = RetainingCutter(resume: resume, settings: settings)
        var switching = switching[...]
        var marks: [CutMark] = []
        for item in FixtureStream(seed: 8).items(seconds: 20) {
            if case .unit(let unit) = item, let next = switching.first, unit.decodeTime >= MediaTime(seconds: next.0) {
                cutter.retainSegments(next.1)
                switching.removeFirst()
            }
            if let mark = cutter.mark(before: item, at: WallTime(milliseconds: 0)), mark.part == 0 {
                marks.append(mark)
            }
        }
        return marks
    }

    private static let table: [(name: String, switching: [(Double, Bool)], oldest: [UInt64])] = [
        ("nobody asks", [], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("from the start", [(0, true)], [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]),
        ("from within segment 2", [(5, true)], [0, 1, 2, 2, 2, 2, 3, 4, 5, 6]),
        ("until segment 5", [(0, true), (11, false)], [0, 0, 0, 0, 1, 2, 6, 7, 8, 9]),
        ("again from segment 7", [(0, true), (11, false), (15, true)], [0, 0, 0, 0, 1, 2, 6, 7, 7, 7]),
    ]

    @Test func `Segments are kept from the one that was open when somebody asked, at most a window of them`() {
        for (name, switching, oldest) in Self.table {
            let marks = segments(switching: switching)
            #expect(marks.map(\.sequence) == Array(0..<10), "\(name)")
            #expect(marks.map(\.oldestSequence) == oldest, "\(name)")
        }
    }

    @Test func `After a change of owner nothing from before is promised`() {
        let resume = ResumePoint(sequence: 40, discontinuity: 2, mediaTime: .zero)
        let marks = segments(resume: resume, switching: [(0, true)])
        #expect(marks.first?.sequence == 40)
        #expect(marks.first?.discontinuity == 2)
        #expect(marks.first?.isDiscontinuous == true)
        #expect(marks.map(\.oldestSequence) == [40, 40, 40, 40, 41, 42, 43, 44, 45, 46, 47])
    }

    @Test func `Where a next owner would go on lies behind everything that was cut`() throws {
        var cutter = RetainingCutter(resume: .start, settings: AppSettings())
        var last: CutMark?
        var end = MediaTime.zero
        for item in FixtureStream(seed: 8).items(seconds: 7) {
            if let mark = cutter.mark(before: item, at: WallTime(milliseconds: 0)) { last = mark }
            if case .unit(let unit) = item { end = max(end, unit.decodeTime) }
        }
        let mark = try #require(last)
        #expect(cutter.next.sequence == mark.sequence + 1)
        #expect(cutter.next.discontinuity == mark.discontinuity)
        #expect(cutter.next.mediaTime >= end)
    }
}
