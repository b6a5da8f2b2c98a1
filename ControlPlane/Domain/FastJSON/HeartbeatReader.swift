package import ClusterModel
import Timebase

/// Heartbeats are most of what a control plane reads, thousands a second, and always of the same shape.
package enum HeartbeatReader {
    /// Nil when there is something unusual in it, be it right or wrong: `JSONDecoder` then says which.
    package static func read(_ bytes: UnsafeRawBufferPointer) -> Heartbeat? {
        var scanner = JSONScanner(bytes)
        do throws(JSONScanner.Unusual) {
            let heartbeat = try heartbeat(&scanner)
            try scanner.end()
            return heartbeat
        } catch {
            return nil
        }
    }

    private typealias Unusual = JSONScanner.Unusual

    private static func heartbeat(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> Heartbeat {
        var boot: String?
        var beat = Heartbeat(bootId: "", load: NodeLoad())
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "bootId": boot = try json.string()
            case "load": beat.load = try load(&json)
            case "holds": beat.holds = try json.array(of: hold)
            case "pulls": beat.pulls = try json.array(of: pull)
            case "sessions": beat.sessions = try json.integer()
            case "streams": beat.streams = try json.array(of: report)
            case "sentAt": beat.sentAt = try required(WallTime(rfc3339: try json.string()))
            case "isDraining": beat.isDraining = try json.bool()
            case "clockOffsetMilliseconds": beat.clockOffsetMilliseconds = try json.integer()
            default: throw Unusual()
            }
        }
        beat.bootId = try required(boot)
        return beat
    }

    private static func load(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> NodeLoad {
        var load = NodeLoad()
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "cpu": load.cpu = try share(&json)
            case "memory": load.memory = try share(&json)
            case "egressBitsPerSecond": load.egressBitsPerSecond = Int64(try count(&json, upTo: NodeLoad.countMax))
            case "publishers": load.publishers = try count(&json, upTo: NodeLoad.countMax)
            case "viewers": load.viewers = try viewers(&json)
            case "encoderUse": load.encoderUse = try share(&json)
            case "encoderQueueDepth": load.encoderQueueDepth = try count(&json, upTo: NodeLoad.countMax)
            default: throw Unusual()
            }
        }
        return load
    }

    private static func viewers(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> ViewerCounts {
        var counts = ViewerCounts()
        try json.object { json, key throws(JSONScanner.Unusual) in
            let count = try count(&json, upTo: ViewerCounts.countMax)
            switch key {
            case "rtmp": counts.rtmp = count
            case "httpFlv": counts.httpFlv = count
            case "hls": counts.hls = count
            case "dash": counts.dash = count
            case "webrtc": counts.webrtc = count
            case "srt": counts.srt = count
            case "total": break
            default: throw Unusual()
            }
        }
        return counts
    }

    // What is cut at decoding is for `JSONDecoder`, here and below.

    private static func count(_ json: inout JSONScanner, upTo limit: Int) throws(JSONScanner.Unusual) -> Int {
        let count = try json.integer(Int.self)
        guard (0...limit).contains(count) else { throw Unusual() }
        return count
    }

    private static func share(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> Double {
        let share = try json.double()
        guard (0...1).contains(share) else { throw Unusual() }
        return share
    }

    private static func hold(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> Hold {
        var (app, id, epoch, next) = (String?.none, String?.none, Int64?.none, StreamPosition?.none)
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "app": app = try json.string()
            case "id": id = try json.string()
            case "epoch": epoch = try json.integer()
            case "next": next = try position(&json)
            default: throw Unusual()
            }
        }
        return Hold(app: try required(app), id: try required(id), epoch: try required(epoch), next: next)
    }

    private static func position(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> StreamPosition {
        var (sequence, discontinuity, mediaTime) = (UInt64?.none, UInt64?.none, Double?.none)
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "sequence": sequence = try json.integer()
            case "discontinuity": discontinuity = try json.integer()
            case "mediaTime": mediaTime = try json.double()
            default: throw Unusual()
            }
        }
        let (number, breaks) = (try required(sequence), try required(discontinuity))
        guard max(number, breaks) <= StreamPosition.numberMax else { throw Unusual() }
        return StreamPosition(
            sequence: number,
            discontinuity: breaks,
            mediaTime: try required(mediaTime)
        )
    }

    private static func pull(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> Pull {
        var (app, id, epoch, from) = (String?.none, String?.none, Int64?.none, String?.none)
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "app": app = try json.string()
            case "id": id = try json.string()
            case "epoch": epoch = try json.integer()
            case "from": from = try json.string()
            default: throw Unusual()
            }
        }
        return Pull(app: try required(app), id: try required(id), epoch: try required(epoch), from: try required(from))
    }

    private static func report(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> StreamReport {
        var (app, id, epoch, counts) = (String?.none, String?.none, Int64?.none, ViewerCounts?.none)
        var (fetches, tracks, isBroadcasting) = ([SegmentFetches]?.none, [TrackDescription]?.none, Bool?.none)
        var interruptions: Int?
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "app": app = try json.string()
            case "id": id = try json.string()
            case "epoch": epoch = try json.integer()
            case "viewers": counts = try viewers(&json)
            case "segmentFetches": fetches = try json.array(of: segment)
            case "tracks": tracks = try json.array(of: track)
            case "isBroadcasting": isBroadcasting = try json.bool()
            case "interruptions": interruptions = try json.integer()
            default: throw Unusual()
            }
        }
        return StreamReport(
            app: try required(app),
            id: try required(id),
            epoch: try required(epoch),
            viewers: try required(counts),
            segmentFetches: try required(fetches),
            tracks: tracks,
            isBroadcasting: isBroadcasting,
            interruptions: interruptions
        )
    }

    private static func segment(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> SegmentFetches {
        var (sequence, hls, dash) = (UInt64?.none, Int?.none, Int?.none)
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "sequence": sequence = try json.integer()
            case "hls": hls = try json.integer()
            case "dash": dash = try json.integer()
            default: throw Unusual()
            }
        }
        let fetches = (hls: try required(hls), dash: try required(dash))
        let counts = 0...ViewerCounts.countMax
        guard counts.contains(fetches.hls), counts.contains(fetches.dash) else { throw Unusual() }
        return SegmentFetches(sequence: try required(sequence), hls: fetches.hls, dash: fetches.dash)
    }

    private static func track(_ json: inout JSONScanner) throws(JSONScanner.Unusual) -> TrackDescription {
        var track = TrackDescription(kind: "", codec: "")
        var (kind, codec) = (String?.none, String?.none)
        try json.object { json, key throws(JSONScanner.Unusual) in
            switch key {
            case "kind": kind = try json.string()
            case "codec": codec = try json.string()
            case "width": track.width = try json.integer()
            case "height": track.height = try json.integer()
            case "sampleRate": track.sampleRate = try json.integer()
            case "channels": track.channels = try json.integer()
            default: throw Unusual()
            }
        }
        track.kind = try required(kind)
        track.codec = try required(codec)
        return track
    }

    private static func required<Value>(_ value: Value?) throws(JSONScanner.Unusual) -> Value {
        guard let value else { throw Unusual() }
        return value
    }
}
