import MediaModel
import Streams
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct SpliceFilterTests {
    /// Segments of three parts of four units; what every node of an epoch sees, in its order.
    static let original: [StreamItem] = {
        var items: [StreamItem] = []
        var ticks: Int64 = 0
        for sequence in 0..<20 {
            for part in 0..<3 {
                items.append(.cut(mark(UInt64(sequence), UInt32(part), ticks)))
                for _ in 0..<4 {
                    let unit = AccessUnit(
                        track: .video,
                        decodeTime: MediaTime(ticks: ticks),
                        isKeyframe: false,
                        payload: ByteBuffer()
                    )
                    items.append(.unit(unit))
                    ticks += 3000
                }
            }
        }
        return items
    }()

    static func mark(_ sequence: UInt64, _ part: UInt32, _ ticks: Int64) -> CutMark {
        CutMark(
            sequence: sequence,
            part: part,
            discontinuity: 0,
            isDiscontinuous: false,
            mediaTime: MediaTime(ticks: ticks),
            wallTime: WallTime(milliseconds: 0),
            oldestSequence: 0
        )
    }

    /// A node's cache has none of them, so which of them a parent sends depends on when it was asked.
    @Test func `data messages do not count for the place in a segment`() {
        let data = StreamItem.unit(
            AccessUnit(track: .data, decodeTime: .zero, isKeyframe: false, payload: ByteBuffer(string: "x"))
        )
        var filter = SpliceFilter()
        filter.parentChanged()
        for item in Self.original[0..<2] + [data, data] { #expect(filter.admit(item) == .pass) }
        filter.parentChanged()
        let outcomes = (Self.original[0..<2] + [data] + Self.original[2..<4] + [data]).map { filter.admit($0) }
        #expect(outcomes == [.drop, .drop, .drop, .pass, .pass, .pass])
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func `parents that come and go give the original items, or say where some are missing`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var filter = SpliceFilter()
        var received: [StreamItem] = []
        var gaps = 0
        var newest = 0
        while newest < Self.original.count {
            // A parent begins at the start of the segment that is current, as far as it is; some are ahead.
            let ahead = min(newest + Int.random(in: 0...20, using: &random), Self.original.count - 1)
            let begin = ahead - ahead % 15
            let end = min(max(newest, ahead) + Int.random(in: 1...40, using: &random), Self.original.count)
            filter.parentChanged()
            for item in Self.original[begin..<end] {
                switch filter.admit(item) {
                case .pass: received.append(item)
                case .drop: continue
                case .passAfterGap:
                    gaps += 1
                    received.append(item)
                }
            }
            newest = max(newest, end)
        }
        let missing = Self.original.count - received.count
        #expect((missing > 0) == (gaps > 0), "\(missing) missing, \(gaps) gaps said")
        // In order, and nothing twice.
        var position = 0
        for item in received {
            guard let found = Self.original[position...].firstIndex(of: item) else {
                Issue.record("an item came twice or out of order")
                return
            }
            position = found + 1
        }
    }

    /// What passes of two parents' items, the second from its segment's beginning on, and the gaps told.
    private func spliced(oldEnd: Int, newBegin: Int) -> (passed: [StreamItem], gaps: Int) {
        var filter = SpliceFilter()
        var passed: [StreamItem] = []
        var gaps = 0
        filter.parentChanged()
        for item in Self.original[..<oldEnd] where filter.admit(item) == .pass { passed.append(item) }
        filter.parentChanged()
        for item in Self.original[newBegin..<75] {
            switch filter.admit(item) {
            case .pass: passed.append(item)
            case .drop: continue
            case .passAfterGap:
                gaps += 1
                passed.append(item)
            }
        }
        return (passed, gaps)
    }

    /// Segments are 15 items long; the old parent stops anywhere from one segment before the new one's to one behind it.
    @Test(arguments: 16...60)
    func `a splice at any place round a segment's boundary loses nothing, doubles nothing and tells each hole`(end: Int)
    {
        let begin = 30
        let (passed, gaps) = spliced(oldEnd: end, newBegin: begin)
        if end <= begin {
            // At the boundary itself nobody can tell that nothing is missing.
            #expect(gaps == 1)
            #expect(passed == Array(Self.original[..<end]) + Self.original[begin..<75])
        } else {
            #expect(gaps == 0)
            #expect(passed == Array(Self.original[..<75]))
        }
    }

    @Test func `units before any cut are not passed again by the next parent`() {
        var filter = SpliceFilter()
        let unplaced = Array(Self.original[1...3])
        filter.parentChanged()
        for item in unplaced { #expect(filter.admit(item) == .pass) }
        filter.parentChanged()
        for item in unplaced { #expect(filter.admit(item) == .drop) }
        // Nobody knows what came between.
        #expect(filter.admit(Self.original[15]) == .passAfterGap)
        #expect(filter.admit(Self.original[16]) == .pass)
    }

    @Test func `a first parent that never sent anything leaves nothing to join`() {
        var filter = SpliceFilter()
        filter.parentChanged()
        filter.parentChanged()
        for item in Self.original.prefix(20) { #expect(filter.admit(item) == .pass) }
    }

    @Test func `numbers at the end of their range stop nothing`() {
        var filter = SpliceFilter()
        let last = StreamItem.cut(Self.mark(.max, .max, 0))
        #expect(filter.admit(last) == .pass)
        #expect(filter.admit(.cut(Self.mark(0, 0, 0))) == .pass)
        #expect(filter.admit(last) == .pass)
        filter.parentChanged()
        #expect(filter.admit(last) == .drop)
    }

    @Test func `a new owner's items all pass, also when its numbers overlap`() {
        var filter = SpliceFilter()
        for item in Self.original.prefix(40) { _ = filter.admit(item) }
        filter.epochChanged()
        for item in Self.original.prefix(40) { #expect(filter.admit(item) == .pass) }
    }
}
