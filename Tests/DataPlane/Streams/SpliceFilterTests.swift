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

    @Test func `a new owner's items all pass, also when its numbers overlap`() {
        var filter = SpliceFilter()
        for item in Self.original.prefix(40) { _ = filter.admit(item) }
        filter.epochChanged()
        for item in Self.original.prefix(40) { #expect(filter.admit(item) == .pass) }
    }
}
