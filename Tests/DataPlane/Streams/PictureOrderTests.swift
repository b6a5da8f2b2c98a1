import MediaModel
import Streams
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct PictureOrderTests {
    /// x264 at 320 × 180 with `bframes=3` and with 0, and x265 likewise: what their SPS say of the order.
    private static let reordered = h264("6764000cacd941419f9f011000000300100000030320f1429960")
    private static let inOrder = h264("6764000cacb202833f3e0220000003002000000641e28549")
    /// Without what the SPS may leave out (annex E).
    private static let silent = h264("6764000cacd941419f9d")

    private static func h264(_ sps: String) -> Track {
        let digits = sps.compactMap(\.hexDigitValue)
        let set = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        let head: [UInt8] = [1, set[1], set[2], set[3], 0xFF, 0xE1, 0, UInt8(set.count)]
        let record = ByteBuffer(bytes: head + set + [1, 0, 4, 0x68, 0xEB, 0xE3, 0xCB])
        return Track(id: .video, codec: .h264(configuration: record, width: 320, height: 180))
    }

    /// Of 25 a second; `shown` are the places at which pictures are shown, in the order they are decoded.
    private func pictures(_ shown: [Int64], delay: Int64, from start: Int64 = 0) -> [AccessUnit] {
        shown.enumerated().map { number, place in
            AccessUnit(
                track: .video,
                decodeTime: MediaTime(milliseconds: (start + Int64(number)) * 40),
                compositionOffset: MediaTime(milliseconds: (place + delay - Int64(number)) * 40),
                isKeyframe: number == 0,
                payload: ByteBuffer()
            )
        }
    }

    private func order(of track: Track, _ units: [AccessUnit]) -> PictureOrder {
        var order = PictureOrder()
        order.learn([track])
        for unit in units { order.append(unit) }
        return order
    }

    @Test func `with the first picture the parameter sets are believed`() {
        #expect(order(of: Self.reordered, []).isReordered)
        #expect(order(of: Self.reordered, pictures([0, 4], delay: 2)).isReordered)
        #expect(!order(of: Self.inOrder, []).isReordered)
        #expect(!order(of: Self.inOrder, pictures([0, 1], delay: 2)).isReordered)
    }

    @Test func `where those say nothing an offset between decoding and showing tells`() {
        #expect(!order(of: Self.silent, []).isReordered)
        #expect(order(of: Self.silent, pictures([0], delay: 2)).isReordered)
        #expect(!order(of: Self.silent, pictures([0, 1], delay: 0)).isReordered)
    }

    @Test func `what was seen once holds for the next segments too`() {
        var order = order(of: Self.inOrder, pictures([0, 4, 2, 1, 3], delay: 2))
        #expect(order.isReordered)
        for unit in pictures(Array(0..<100), delay: 2, from: 5) { order.append(unit) }
        #expect(order.isReordered)
        order.learn([Self.inOrder])
        #expect(order.isReordered)
        order.learn([Self.silent])
        #expect(!order.isReordered)
    }

    @Test(arguments: [reordered, silent])
    func `more pictures in order than a decoder may hold back refute what was feared`(track: Track) {
        #expect(order(of: track, pictures(Array(0..<16), delay: 2)).isReordered)
        var order = order(of: track, pictures(Array(0..<17), delay: 2))
        #expect(!order.isReordered)
        for unit in pictures([0, 4, 2], delay: 2, from: 17).dropFirst() { order.append(unit) }
        #expect(order.isReordered)
    }
}
