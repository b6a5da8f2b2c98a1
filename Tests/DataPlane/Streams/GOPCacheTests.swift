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

    @Test func `data messages are for who is there`() {
        var cache = GOPCache()
        let data = AccessUnit(track: .data, decodeTime: .zero, isKeyframe: false, payload: ByteBuffer(string: "x"))
        for item in [cut(0), unit(0), .unit(data), unit(40)] { cache.append(item) }
        #expect(Array(cache.items) == [cut(0), unit(0), unit(40)])
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
