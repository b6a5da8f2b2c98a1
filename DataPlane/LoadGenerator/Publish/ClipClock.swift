import MediaModel
import NIOCore
import Timebase

/// When each tag of a clip is due, round after round, and what is sent of it: stamped.
struct ClipClock {
    private let clip: Clip
    private let repeats: Bool
    private let delay: Duration
    /// When timestamp zero is sent; nil until the server takes media.
    private var start: MonotonicInstant?
    private var position = 0
    private var roundStart: UInt32 = 0
    private var videoFrames: Int64 = 0
    private(set) var bodyBytes: Int64 = 0

    /// Begins `delay` after the server takes media.
    init(_ clip: Clip, repeats: Bool, delay: Duration) {
        self.clip = clip
        self.repeats = repeats
        self.delay = delay
    }

    mutating func begin(at now: MonotonicInstant) { start = now + delay }

    var isOver: Bool { position >= clip.tags.count }

    /// Nil before the begin and when the clip is over.
    var nextDue: MonotonicInstant? {
        guard let start, !isOver else { return nil }
        return start + .milliseconds(Int64(roundStart) + Int64(clip.tags[position].timestamp))
    }

    /// The next tag whose time has come, with a stamp in its picture.
    mutating func next(at now: MonotonicInstant) -> (tag: Clip.Tag, timestamp: UInt32)? {
        while let due = nextDue, due <= now {
            var tag = clip.tags[position]
            let timestamp = roundStart &+ tag.timestamp
            let isWanted = !tag.isHeader || roundStart == 0
            advance()
            guard isWanted else { continue }
            if let offset = tag.stampOffset {
                let stamp = SendStamp(sentAt: now, sequence: videoFrames, bodyBytesBefore: bodyBytes)
                tag.body = tag.body.inserting(stamp, at: offset)
                videoFrames += 1
            }
            if tag.kind != .data { bodyBytes += Int64(tag.body.readableBytes) }
            return (tag, timestamp)
        }
        return nil
    }

    private mutating func advance() {
        position += 1
        guard isOver, repeats else { return }
        position = 0
        roundStart &+= clip.durationMilliseconds
    }
}

extension ByteBuffer {
    fileprivate func inserting(_ stamp: SendStamp, at offset: Int) -> ByteBuffer {
        var result = ByteBuffer()
        result.reserveCapacity(readableBytes + SendStamp.encodedBytes)
        var rest = self
        if let head = rest.readSlice(length: offset) { result.writeImmutableBuffer(head) }
        stamp.write(into: &result)
        result.writeImmutableBuffer(rest)
        return result
    }
}
