import FanOut
import Glibc
import NIOCore
import TestSupport
import Testing
import Timebase

@Suite struct WireRingTests {
    private func frame(_ text: String, start: Bool = false, at milliseconds: Int64 = 0) -> WireFrame {
        // Two pieces, as a header and a payload.
        let pieces = [ByteBuffer(string: String(text.prefix(1))), ByteBuffer(string: String(text.dropFirst()))]
        return WireFrame(
            pieces: pieces,
            isStart: start,
            mayWait: false,
            decodeTime: MediaTime(milliseconds: milliseconds)
        )
    }

    private func bytes(of ring: WireRing, from number: Int, vectorsMax: Int = 1024) -> (
        text: String, end: Int, count: Int
    ) {
        let (text, end, count) = ring.withVectors(from: number, vectorsMax: vectorsMax) { vectors in
            vectors.map {
                String(decoding: UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len), as: UTF8.self)
            }
            .joined()
        }
        return (text, end, count)
    }

    @Test func `the vectors from a frame on are that frame's bytes and all later ones`() {
        var ring = WireRing()
        for text in ["abc", "de", "fghi"] { ring.append(frame(text)) }
        #expect(bytes(of: ring, from: 0) == ("abcdefghi", 3, 9))
        #expect(bytes(of: ring, from: 1) == ("defghi", 3, 6))
    }

    @Test func `a short write is found back as frame and offset, at every length`() {
        var ring = WireRing()
        let texts = ["abc", "de", "fghi"]
        for text in texts { ring.append(frame(text)) }
        var expected: [(Int, Int)] = []
        for (number, text) in texts.enumerated() {
            for offset in text.indices.indices {
                expected.append((number, text.distance(from: text.startIndex, to: offset)))
            }
        }
        for written in 0..<9 {
            let (number, offset) = ring.position(after: written, from: 0)
            #expect((number, offset) == expected[written])
        }
        #expect(ring.position(after: 9, from: 0) == (3, 0))
    }

    @Test func `a write never offers more vectors than the system takes, and only whole frames`() {
        var ring = WireRing()
        for number in 0..<3000 { ring.append(frame("\(number % 10)x")) }
        var next = 0
        var count = 0
        while next < ring.end {
            let (text, end, offered) = bytes(of: ring, from: next)
            #expect(text.utf8.count == offered && offered == (end - next) * 2 && end - next <= 512)
            count += end - next
            next = end
        }
        #expect(count == 3000)
    }

    @Test func `trimming keeps numbers, bytes and pointers right, also when it compacts`() {
        var ring = WireRing()
        for number in 0..<1000 {
            ring.append(frame("<\(number)>", start: number % 100 == 0, at: Int64(number)))
            ring.trim(before: number - 10, bytesMax: 1 << 20, framesMax: 1000)
        }
        #expect(ring.first == 989)
        #expect(bytes(of: ring, from: 998).text == "<998><999>")
        #expect(ring.start == nil)
        #expect(ring.duration(from: 990) == MediaTime(milliseconds: 9))
        #expect(ring.bytes(from: 999) == 5)
    }

    @Test func `the byte limit wins over viewers that wait`() {
        var ring = WireRing()
        for _ in 0..<100 { ring.append(frame("0123456789")) }
        ring.trim(before: 0, bytesMax: 95, framesMax: 1000)
        #expect(ring.byteCount == 90)
        #expect(ring.first == 91)
    }

    @Test func `the number limit holds for frames of hardly any bytes`() {
        var ring = WireRing()
        for _ in 0..<100 { ring.append(frame("ab", start: true)) }
        ring.trim(before: 0, bytesMax: 1 << 20, framesMax: 30)
        #expect((ring.first, ring.end) == (70, 100))
    }

    @Test func `the newest tracks are kept when their place is given up`() {
        var ring = WireRing()
        ring.append(frame("key", start: true))
        ring.append(
            WireFrame(
                pieces: [ByteBuffer(string: "T")],
                isStart: false,
                mayWait: false,
                isTracks: true,
                decodeTime: nil
            )
        )
        #expect(ring.start == nil)
        for _ in 0..<9 { ring.append(frame("x")) }
        ring.trim(before: 11, bytesMax: 1 << 20, framesMax: 1000)
        #expect(ring.tracks?.number == 1)
        #expect(ring.tracks?.frame.pieces == [ByteBuffer(string: "T")])
    }

    @Test func `frames without a time of their own count as the next one that has one`() {
        var ring = WireRing()
        func timeless() -> WireFrame { WireFrame(pieces: [], isStart: false, mayWait: false, decodeTime: nil) }
        ring.append(timeless())
        #expect(ring.duration(from: 0) == .zero)
        ring.append(frame("a", at: 5000))
        ring.append(timeless())
        ring.append(frame("b", at: 5040))
        ring.append(timeless())
        #expect(ring.duration(from: 0) == MediaTime(milliseconds: 40))
        #expect(ring.duration(from: 2) == .zero)
        #expect(ring.duration(from: 4) == .zero)
    }

    @Test func `new viewers begin at the newest start, or wait when it is forgotten`() {
        var ring = WireRing()
        for (text, start) in [("a", true), ("b", false), ("c", true), ("d", false)] {
            ring.append(frame(text, start: start))
        }
        #expect(ring.start == 2)
        ring.forgetStart()
        #expect(ring.start == nil)
    }
}

@Suite struct MergePolicyTests {
    @Test func `without load nothing waits`() {
        var policy = MergePolicy(fixedMilliseconds: nil)
        policy.update(load: 0.05)
        #expect(policy.delay(allMayWait: true) == .zero)
    }

    @Test func `under some load sound waits and pictures go, until the load is well below`() {
        var policy = MergePolicy(fixedMilliseconds: nil)
        policy.update(load: 0.12)
        #expect(policy.delay(allMayWait: true) == MergePolicy.audioHoldMax)
        #expect(policy.delay(allMayWait: false) == .zero)
        policy.update(load: 0.06)
        #expect(policy.mode == .holdAudio)
        policy.update(load: 0.01)
        #expect(policy.mode == .immediate)
    }

    @Test func `under heavy load the window widens to 50 ms and no further`() {
        var policy = MergePolicy(fixedMilliseconds: nil)
        policy.update(load: 0.75)
        #expect(policy.delay(allMayWait: false) > .zero && policy.delay(allMayWait: false) < .milliseconds(50))
        policy.update(load: 1)
        #expect(policy.delay(allMayWait: false) == .milliseconds(50))
    }

    @Test func `a setting fixes the window whatever the load`() {
        for (setting, delay) in [(0, TimeAmount.zero), (350, .milliseconds(350))] {
            var policy = MergePolicy(fixedMilliseconds: setting)
            policy.update(load: 1)
            #expect(policy.delay(allMayWait: true) == delay)
        }
    }
}
