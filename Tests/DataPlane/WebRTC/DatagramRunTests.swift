import TestSupport
import Testing
import WebRTC

import struct NIOCore.ByteBuffer

@Suite struct DatagramRunTests {
    private func runs(_ lengths: [Int]) -> [DatagramRun] {
        var writer = DatagramRunWriter()
        for (number, length) in lengths.enumerated() {
            writer.bytes.writeRepeatingByte(UInt8(truncatingIfNeeded: number), count: length)
            writer.endDatagram()
        }
        return writer.runs()
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let lengths: [Int]
        /// Of each run, the lengths of its datagrams.
        let runs: [[Int]]

        init(_ description: String, _ lengths: [Int], _ runs: [[Int]]) {
            testDescription = description
            self.lengths = lengths
            self.runs = runs
        }
    }

    @Test(arguments: [
        Row("nothing", [], []),
        Row("one", [40], [[40]]),
        Row("a picture: its last packet is shorter", [1200, 1200, 1200, 700], [[1200, 1200, 1200, 700]]),
        Row("a shorter one closes its run", [1200, 700, 700], [[1200, 700], [700]]),
        Row("a longer one begins the next", [300, 1200, 1200], [[300], [1200, 1200]]),
        Row(
            "as many as the kernel cuts at once",
            Array(repeating: 100, count: 130),
            [64, 64, 2].map { Array(repeating: 100, count: $0) }
        ),
        Row(
            "as many bytes as a datagram may have",
            Array(repeating: 1200, count: 60),
            [50, 10].map { Array(repeating: 1200, count: $0) }
        ),
    ])
    func `datagrams of one length, and a shorter last one, lie in one run`(row: Row) {
        let runs = runs(row.lengths)
        #expect(runs.map { $0.datagrams.map(\.readableBytes) } == row.runs)
        #expect(runs.map(\.hasMany) == row.runs.map { $0.count > 1 })
    }

    @Test func `whatever their lengths, all datagrams come out as they went in`() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<100 {
            let lengths = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                Bool.random(using: &random) ? 1200 : Int.random(in: 1...1200, using: &random)
            }
            let datagrams = runs(lengths).flatMap(\.datagrams)
            #expect(datagrams.map(\.readableBytes) == lengths)
            let isInOrder = datagrams.enumerated().allSatisfy { number, datagram in
                datagram.readableBytesView.allSatisfy { $0 == UInt8(truncatingIfNeeded: number) }
            }
            #expect(isInOrder)
        }
    }

    @Test func `what is discarded leaves no trace`() {
        var writer = DatagramRunWriter()
        writer.bytes.writeRepeatingByte(1, count: 100)
        writer.endDatagram()
        writer.bytes.writeRepeatingByte(2, count: 70)
        writer.discardDatagram()
        writer.bytes.writeRepeatingByte(3, count: 100)
        writer.endDatagram()
        #expect(writer.runs().flatMap(\.datagrams).map { $0.getInteger(at: $0.readerIndex) as UInt8? } == [1, 3])
    }
}
