import DequeModule
package import Glibc
import NIOCore
package import Timebase

/// The frames a lane's viewers have yet to get, with the vectors to write them kept ready side by side.
///
/// A viewer is a number into this ring, so sending to it is one `writev` over a range made once for all. Frames are
/// numbered from 0 for the life of the ring; old ones are given up by `trim`.
package struct WireRing {
    private struct Entry {
        var frame: WireFrame
        var firstVector: Int
        /// Bytes of all frames ever appended, this one included.
        var endByte: Int
    }

    private var entries: Deque<Entry> = []
    private var vectors: [iovec] = []
    /// The number of the vector at index 0 of `vectors`.
    private var vectorBase = 0

    /// The number of the oldest frame still here.
    package private(set) var first = 0
    /// The frame new viewers start with; nil until there is one.
    package private(set) var start: Int?
    /// The newest frame that tells the tracks. It is kept when the ring gives up its place.
    package private(set) var tracks: (number: Int, frame: WireFrame)?
    private var endByte = 0
    private var newestTime: MediaTime?

    package init() {}

    /// One past the newest frame's number.
    package var end: Int { first + entries.count }
    package var byteCount: Int { endByte - startByte(of: first) }

    package mutating func append(_ frame: WireFrame) {
        let firstVector = vectorBase + vectors.count
        for piece in frame.pieces where piece.readableBytes > 0 {
            // The pointer outlives the closure because the entry keeps the buffer, and with it the storage, as it is:
            // buffers copy on write.
            piece.withUnsafeReadableBytes { bytes in
                vectors.append(
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
                )
            }
        }
        endByte += frame.byteCount
        entries.append(Entry(frame: frame, firstVector: firstVector, endByte: endByte))
        newestTime = frame.decodeTime ?? newestTime
        if frame.isTracks {
            tracks = (end - 1, frame)
            // What came before needs the tracks before.
            start = nil
        }
        if frame.isStart { start = end - 1 }
    }

    /// New viewers wait for the next start: what came before cannot be decoded with what comes.
    package mutating func forgetStart() { start = nil }

    /// Bytes of the frames from number `number` on.
    package func bytes(from number: Int) -> Int { endByte - startByte(of: number) }

    /// Media time from frame `number` to the newest one.
    package func duration(from number: Int) -> MediaTime {
        guard number < end, let newestTime else { return .zero }
        let oldestTime = entries[(number - first)...].lazy.compactMap(\.frame.decodeTime).first
        return newestTime - (oldestTime ?? newestTime)
    }

    package func frame(_ number: Int) -> WireFrame { entries[number - first].frame }

    /// Calls `body` with the vectors of the frames from `number` on, as many whole frames as `vectorsMax` allows.
    /// Returns what `body` returns, with the number after the last frame offered and the bytes offered.
    package func withVectors<Result>(
        from number: Int,
        vectorsMax: Int,
        _ body: (UnsafeBufferPointer<iovec>) -> Result
    ) -> (result: Result, end: Int, byteCount: Int) {
        let firstVector = entries[number - first].firstVector
        var stop = end
        var vectorEnd = vectorBase + vectors.count
        while vectorEnd - firstVector > vectorsMax, stop > number + 1 {
            stop = number + (stop - number) / 2
            vectorEnd = entries[stop - first].firstVector
        }
        let range = firstVector - vectorBase..<vectorEnd - vectorBase
        let result = vectors.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
        return (result, stop, entries[stop - 1 - first].endByte - startByte(of: number))
    }

    /// The frame in which a write that began at frame `number` and took `written` bytes stopped, and the bytes of that
    /// frame already written.
    package func position(after written: Int, from number: Int) -> (frame: Int, offset: Int) {
        let target = startByte(of: number) + written
        var frame = number
        while frame < end, entries[frame - first].endByte <= target { frame += 1 }
        return (frame, target - startByte(of: frame))
    }

    /// Gives up the frames before `floor`, and more while the ring holds over `bytesMax` or `framesMax`.
    package mutating func trim(before floor: Int, bytesMax: Int, framesMax: Int) {
        while first < end, first < floor || byteCount > bytesMax || entries.count > framesMax {
            entries.removeFirst()
            first += 1
        }
        if let start, start < first { self.start = nil }
        let dead = (entries.first?.firstVector ?? vectorBase + vectors.count) - vectorBase
        if dead > 64, dead > vectors.count / 2 {
            vectors.removeFirst(dead)
            vectorBase += dead
        }
    }

    private func startByte(of number: Int) -> Int {
        if number >= end { return endByte }
        let entry = entries[number - first]
        return entry.endByte - entry.frame.byteCount
    }
}
