import MediaFixtures
import MediaModel
import Streams
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct GOPCacheTests {
    private func unit(_ milliseconds: Int64, bytes: Int = 100) -> StreamItem {
        .unit(
            AccessUnit(
                track: .video,
                decodeTime: MediaTime(milliseconds: milliseconds),
                isKeyframe: true,
                payload: ByteBuffer(repeating: 1, count: bytes)
            )
        )
    }

    private func cut(_ sequence: UInt64, part: UInt32 = 0) -> StreamItem {
        .cut(SpliceFilterTests.mark(sequence, part, 0))
    }

    @Test func `it holds the stream since the current segment began`() {
        var cache = GOPCache()
        for item in [cut(0), unit(0), cut(0, part: 1), unit(40), cut(1), unit(80)] { cache.append(item) }
        #expect(Array(cache.items) == [cut(1), unit(80)])
    }

    @Test func `a track's bit rate is that of the current segment`() {
        var cache = GOPCache()
        #expect(cache.bitsPerSecond(of: .video) == nil)
        for item in [cut(0), unit(0, bytes: 9000), cut(1), unit(1000, bytes: 300)] { cache.append(item) }
        #expect(cache.bitsPerSecond(of: .video) == nil, "one unit does not tell how long it lasts")
        for item in [unit(1100, bytes: 200), unit(1200, bytes: 5000)] { cache.append(item) }
        #expect(cache.bitsPerSecond(of: .video) == 20_000)
        #expect(cache.bitsPerSecond(of: .audio) == nil)
    }

    @Test func `data messages are for who is there`() {
        var cache = GOPCache()
        let data = AccessUnit(track: .data, decodeTime: .zero, isKeyframe: false, payload: ByteBuffer(string: "x"))
        for item in [cut(0), unit(0), .unit(data), unit(40)] { cache.append(item) }
        #expect(Array(cache.items) == [cut(0), unit(0), unit(40)])
    }

    @Test func `a segment that was cut without a keyframe is kept with the one that has it`() {
        func frame(_ milliseconds: Int64, isKeyframe: Bool) -> StreamItem {
            .unit(
                AccessUnit(
                    track: .video,
                    decodeTime: MediaTime(milliseconds: milliseconds),
                    isKeyframe: isKeyframe,
                    payload: ByteBuffer(repeating: 1, count: 100)
                )
            )
        }
        let tracks = StreamItem.tracks(FixtureStream(seed: 1).tracks)
        var limits = GOPCacheLimits()
        limits.bytesMax = 250
        var cache = GOPCache(limits: limits)
        for item in [tracks, cut(0), frame(0, isKeyframe: true), cut(1), frame(40, isKeyframe: false)] {
            cache.append(item)
        }
        #expect(Array(cache.items) == [cut(0), frame(0, isKeyframe: true), cut(1), frame(40, isKeyframe: false)])
        // Too much of it is nothing, until the next keyframe.
        for item in [frame(80, isKeyframe: false), cut(2), frame(120, isKeyframe: false)] { cache.append(item) }
        #expect(cache.items.isEmpty)
        for item in [cut(3), frame(160, isKeyframe: true)] { cache.append(item) }
        #expect(Array(cache.items) == [cut(3), frame(160, isKeyframe: true)])
    }

    @Test func `what exceeds a limit is not cached until the next segment`() {
        var limits = GOPCacheLimits()
        limits.bytesMax = 250
        var cache = GOPCache(limits: limits)
        for item in [cut(0), unit(0), unit(40), unit(80), unit(120)] { cache.append(item) }
        #expect(cache.items.isEmpty)
        for item in [cut(1), unit(160)] { cache.append(item) }
        #expect(Array(cache.items) == [cut(1), unit(160)])
    }

    @Test func `a segment without end is bounded by time`() {
        var cache = GOPCache()
        cache.append(cut(0))
        for second in 0..<60 { cache.append(unit(Int64(second) * 1000)) }
        #expect(cache.items.isEmpty)
    }

    @Test func `items without payload are bounded by number`() {
        var limits = GOPCacheLimits()
        limits.itemsMax = 4
        var cache = GOPCache(limits: limits)
        cache.append(cut(0))
        for _ in 0..<3 { cache.append(.tracks([])) }
        #expect(cache.items.count == 4)
        cache.append(.tracks([]))
        #expect(cache.items.isEmpty)
        for item in [cut(1), unit(0)] { cache.append(item) }
        #expect(cache.items.count == 2)
    }
}
