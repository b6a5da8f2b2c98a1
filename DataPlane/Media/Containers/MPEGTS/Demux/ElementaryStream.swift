import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// One PID of media: its packets' order, its PES packets, its parser, and where its units lie in time.
struct ElementaryStream: Sendable {
    /// What makes two program maps mean the same stream.
    struct Key: Hashable, Sendable {
        let pid: PID
        let codec: ElementaryCodec
    }

    /// Of a picture without stamps behind the very first one.
    private static let pictureTicks: Int64 = 3600

    let key: Key
    let track: TrackID
    // One of the two is there. Both stay in place while they parse: taken out, their bytes would be copied for each packet.
    private var video: VideoParser?
    private var audio: AudioParser?
    private var packets = PESReader()
    private var counter: UInt8?
    /// Of the last packet, when it told that counters begin anew.
    private var lastPayload: ByteBuffer?
    /// Where a unit without stamps begins.
    private var next: MediaTime?
    private var lastDecode: MediaTime?

    var pid: PID { key.pid }

    init(key: Key, limits: TSLimits) {
        self.key = key
        track = key.codec.isVideo ? .video : .audio
        switch key.codec {
        case .h264: video = VideoParser(syntax: .h264, limits: limits)
        case .h265: video = VideoParser(syntax: .h265, limits: limits)
        case .aacADTS: audio = AudioParser(framing: .adts, limits: limits)
        case .mp3: audio = AudioParser(framing: .mp3, limits: limits)
        case .ac3: audio = AudioParser(framing: .ac3, limits: limits)
        case .opus(let channels): audio = AudioParser(framing: .opus(channels: channels), limits: limits)
        }
    }

    /// False when packets before this one are missing.
    mutating func take(_ packet: TSPacket, into output: inout [ElementaryOutput]) -> Bool {
        guard let payload = packet.payload else {
            // Only payload counts; but a new beginning may be told without any.
            if packet.isDiscontinuous { counter = nil }
            return true
        }
        let expected = counter.map { ($0 + 1) & 0xF }
        // Each packet may be sent twice (§2.4.3.3); where counters begin anew the same counter may be chance.
        if packet.continuityCounter == counter, !packet.isDiscontinuous || payload == lastPayload { return true }
        lastPayload = packet.isDiscontinuous ? payload : nil
        counter = packet.continuityCounter
        let isInOrder = expected == nil || expected == packet.continuityCounter || packet.isDiscontinuous
        if !isInOrder { lose(&output) }
        for piece in packets.append(payload, startsUnit: packet.startsUnit) { take(piece, &output) }
        return isInOrder
    }

    mutating func finish(into output: inout [ElementaryOutput]) { video?.finish(into: &output) }

    private mutating func lose(_ output: inout [ElementaryOutput]) {
        packets.lose()
        video?.lose(&output)
        audio?.lose(&output)
    }

    private mutating func take(_ piece: PESReader.Piece, _ output: inout [ElementaryOutput]) {
        switch piece {
        case .begin(let stamps):
            video?.begin(stamps)
            audio?.begin(stamps)
        case .bytes(let bytes):
            video?.append(bytes, into: &output)
            audio?.append(bytes, into: &output)
        case .end(let count): video?.packetEnded(byteCount: count, into: &output)
        }
    }

    // MARK: Time

    /// Nil before the first stamps.
    mutating func times(
        of unit: ElementaryUnit,
        clock: inout TSClock
    ) -> (decode: MediaTime, presentation: MediaTime)? {
        let times: (decode: MediaTime, presentation: MediaTime)
        if let stamps = unit.stamps {
            let decode = clock.time(of: stamps.decode)
            times = (decode, clock.time(of: stamps.presentation))
        } else if let next {
            times = (next, next)
        } else {
            return nil
        }
        let step = unit.duration ?? lastDecode.map { (times.decode - $0).ticks } ?? Self.pictureTicks
        next = times.decode + MediaTime(ticks: step > 0 ? step : Self.pictureTicks)
        lastDecode = times.decode
        return times
    }
}

/// Which elementary streams of a program are carried: the first picture and the first sound that can be.
struct ElementaryChoice: Sendable {
    private(set) var streams: [ElementaryStream] = []
    private(set) var refusals: [TSTrackRefusal] = []

    init(_ map: ProgramMap, limits: TSLimits) {
        for stream in map.streams.prefix(limits.programStreamsMax) {
            guard let codec = ElementaryCodec(stream) else {
                refusals.append(TSTrackRefusal(pid: stream.pid, reason: .unsupported(streamType: stream.type)))
                continue
            }
            let candidate = ElementaryStream(key: .init(pid: stream.pid, codec: codec), limits: limits)
            if streams.contains(where: { $0.track == candidate.track }) {
                refusals.append(TSTrackRefusal(pid: stream.pid, reason: .second))
            } else {
                streams.append(candidate)
            }
        }
    }
}
