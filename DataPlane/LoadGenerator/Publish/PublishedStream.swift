import EngineModel
import MediaModel
import NIOCore
import RTMP
import Timebase

/// One stream being published: the clip's tags at their times, stamped.
final class PublishedStream {
    let connection: Connection
    var awaitsWrite = true
    private(set) var isPublishing = false
    private var session: RTMPClientSession
    private let clip: Clip
    private let repeats: Bool
    /// When timestamp zero is sent; before publishing has started, how long after the start that is.
    private var timelineStart: MonotonicInstant?
    private let delay: Duration
    private var position = 0
    private var roundStart: UInt32 = 0
    private var videoFrames: Int64 = 0
    private(set) var bodyBytes: Int64 = 0

    init(
        _ clip: Clip,
        to target: PlayTarget,
        address: SocketAddress,
        repeats: Bool,
        delay: Duration,
        at now: MonotonicInstant
    ) throws {
        connection = try Connection(to: address)
        var random = SystemRandomNumberGenerator()
        let stream = StreamAddress(app: target.app, name: target.name, query: target.query)
        session = RTMPClientSession(.publish, stream, host: target.authority, at: now, using: &random)
        self.clip = clip
        self.repeats = repeats
        self.delay = delay
        try drain(at: now)
    }

    /// When the next tag is to be sent; nil before publishing has started and when the clip is over.
    var nextSend: MonotonicInstant? {
        guard let timelineStart, isPublishing, position < clip.tags.count else { return nil }
        return timelineStart + .milliseconds(Int64(roundStart) + Int64(clip.tags[position].timestamp))
    }

    var isFinished: Bool { isPublishing && position >= clip.tags.count && !connection.owesBytes }

    func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) throws {
        session.receive(bytes, at: now)
        try drain(at: now)
    }

    func checkTime(at now: MonotonicInstant) throws {
        session.timeoutReached(at: now)
        try drain(at: now)
    }

    /// Sends every tag whose time has come.
    func sendDue(at now: MonotonicInstant) throws {
        while let due = nextSend, due <= now {
            let tag = clip.tags[position]
            if !tag.isHeader || roundStart == 0 { send(tag, at: now) }
            position += 1
            if position == clip.tags.count, repeats {
                position = 0
                roundStart &+= clip.durationMilliseconds
            }
        }
        try drain(at: now)
        try connection.flush()
    }

    func finish(at now: MonotonicInstant) {
        session.finish()
        try? drain(at: now)
        try? connection.flush()
    }

    private func send(_ tag: Clip.Tag, at now: MonotonicInstant) {
        var body = tag.body
        if let offset = tag.stampOffset {
            let stamp = SendStamp(sentAt: now, sequence: videoFrames, bodyBytesBefore: bodyBytes)
            body = body.inserting(stamp, at: offset)
            videoFrames += 1
        }
        if tag.kind != .data { bodyBytes += Int64(body.readableBytes) }
        session.send(MediaMessage(kind: tag.kind, timestamp: roundStart &+ tag.timestamp, payload: body))
    }

    private func drain(at now: MonotonicInstant) throws {
        while let output = session.nextOutput() {
            switch output {
            case .transmit(let bytes): try connection.enqueue(bytes)
            case .event(.publishStarted):
                isPublishing = true
                timelineStart = now + delay
            case .event(.failed(let error)): throw ViewerFailure.refused(error.description)
            case .event(.playStarted), .event(.media), .event(.ended), .event(.reconnectRequested), .close: continue
            }
        }
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
