import MPEGTS
import MediaModel

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let transportStream = FuzzTarget(
        "transport-stream",
        invariant: "a stream cut in two gives the same events as whole, and units never hold more than came in"
    ) { bytes throws(FuzzViolation) in
        let whole = events(in: [bytes])
        let half = bytes.count / 2
        try require(events(in: [Array(bytes[..<half]), Array(bytes[half...])]) == whole, "a cut changed the events")
        var size = 0
        for case .unit(let unit) in whole { size += unit.payload.readableBytes }
        // Each unit of three bytes behind a start code of three gets a length of four.
        try require(size <= bytes.count * 2, "more bytes came out than there can be")
    }

    /// As two segments of a list.
    static let packedAudio = FuzzTarget(
        "packed-audio",
        invariant: "any segment is read or refused, and frames hold no more than came in"
    ) { bytes throws(FuzzViolation) in
        var reader = PackedAudio()
        for _ in 0..<2 {
            guard let events = try? reader.take(ByteBuffer(bytes: bytes)) else { continue }
            var size = 0
            for case .unit(let unit) in events { size += unit.payload.readableBytes }
            try require(size <= bytes.count, "more bytes came out than came in")
        }
    }

    private static func events(in pieces: [[UInt8]]) -> [TSDemuxer.Event] {
        var demuxer = TSDemuxer()
        var events: [TSDemuxer.Event] = []
        for piece in pieces {
            do {
                events += try demuxer.receive(ByteBuffer(bytes: piece))
            } catch { return events }
        }
        return events + demuxer.finish()
    }
}
