import EngineModel
import RTMP
import Timebase

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let rtmpHandshake = FuzzTarget(
        "rtmp-handshake",
        invariant: "a session fed any bytes, whole or in halves, tells one story, which stops at the first error"
    ) { bytes throws(FuzzViolation) in try checkSession(bytes) }

    /// The handshake is done before the bytes, so that they reach chunks, commands and media.
    static let rtmpServerSession = FuzzTarget(
        "rtmp-server-session",
        invariant:
            "behind a handshake, any bytes lead to at most one publish or play and one end of it, then to silence"
    ) { bytes throws(FuzzViolation) in try checkSession([3] + [UInt8](repeating: 0, count: 3072) + bytes) }

    private typealias Output = EngineOutput<RTMPServerSession.Event>

    private static func checkSession(_ bytes: [UInt8]) throws(FuzzViolation) {
        let whole = outputs(of: [bytes])
        let middle = bytes.count / 2
        let halves = outputs(of: [Array(bytes[..<middle]), Array(bytes[middle...])])
        // Acknowledgements name the bytes received so far, which a cut may change; events may not.
        try require(events(in: halves) == events(in: whole), "a cut changed the events")
        var requests = 0
        var ends = 0
        for (index, output) in whole.enumerated() {
            switch output {
            case .event(.publishRequested), .event(.playRequested): requests += 1
            case .event(.publishEnded), .event(.playEnded): ends += 1
            case .event(.failed):
                try require(whole[(index + 1)...] == [.close], "a failure is not followed by close alone")
            case .event(.media): try require(requests == 1 && ends == 0, "media outside a publish")
            case .close: try require(index == whole.count - 1, "something follows close")
            case .transmit: continue
            }
        }
        try require(requests <= 1 && ends <= requests, "\(requests) requests and \(ends) ends on one connection")
    }

    private static func outputs(of pieces: [[UInt8]]) -> [Output] {
        var random = FixedRandom()
        let now = MonotonicInstant(nanoseconds: 0)
        var session = RTMPServerSession(at: now, using: &random)
        var outputs: [Output] = []
        for piece in pieces {
            session.receive(ByteBuffer(bytes: piece), at: now)
            while let output = session.nextOutput() {
                outputs.append(output)
                switch output {
                case .event(.publishRequested(let id, _, _)): session.acceptPublish(id)
                case .event(.playRequested(let id, _, _)): session.acceptPlay(id)
                case .event, .transmit, .close: continue
                }
            }
        }
        return outputs
    }

    private static func events(in outputs: [Output]) -> [RTMPServerSession.Event] {
        outputs.compactMap { if case .event(let event) = $0 { event } else { nil } }
    }
}

/// The handshake's random bytes do not matter here.
private struct FixedRandom: RandomNumberGenerator {
    mutating func next() -> UInt64 { 4 }
}
