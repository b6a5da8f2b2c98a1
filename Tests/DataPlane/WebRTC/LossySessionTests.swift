import RTP
import SDP
import TestSupport
import Testing
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

/// Whole sessions, keys and all, on a path that loses datagrams both ways and takes 50 ms for each: what is lost comes
/// again by NACK and RTX, in time for somebody who shows pictures a little late.
@Suite struct LossySessionTests {
    /// Shows each picture so long after it was sent, and what came later at once.
    private struct Screen {
        private static let playoutDelay = Duration.milliseconds(400)
        /// Of 30 pictures a second: their distance and 150 ms (webrtc-stats §freezeCount).
        private static let freezeMin = Duration.milliseconds(183)

        private(set) var shown = 0
        private(set) var freezes = 0
        private var lastShownAt: MonotonicInstant?

        mutating func show(sentAt: MonotonicInstant, arrivedAt: MonotonicInstant) {
            let due = max(sentAt + Self.playoutDelay, arrivedAt)
            if let last = lastShownAt, due - last > Self.freezeMin { freezes += 1 }
            lastShownAt = max(lastShownAt ?? due, due)
            shown += 1
        }
    }

    private static let seeds: ClosedRange<UInt64> = 1...3
    private static let pictures = 300
    /// Some 30 a second, in steps of the pair's clock.
    private static let pictureDistance = Duration.milliseconds(35)
    /// There, back and there again, each 50 to 70 ms, until the next packet shows the loss, and the tolerance of reordering.
    private static let repairedWithin = Duration.milliseconds(250)

    struct Row: Sendable, CustomTestStringConvertible {
        let lossPerMille: Int
        let freezesMax: Int
        /// What comes by its second repeat, and the pictures behind it.
        let lateMax: Int
        var testDescription: String { "\(lossPerMille) of 1000 lost" }

        /// From the second picture on: before the first there is nothing that a repeat could follow.
        func path(_ seed: UInt64) -> PeerPair.Path {
            PeerPair.Path(
                seed: seed,
                lossPerMille: lossPerMille,
                latency: .milliseconds(50),
                jitterMaxMilliseconds: 20
            )
        }
    }

    static let rows = [
        Row(lossPerMille: 0, freezesMax: 0, lateMax: 0), Row(lossPerMille: 10, freezesMax: 0, lateMax: 0),
        Row(lossPerMille: 50, freezesMax: 1, lateMax: 8), Row(lossPerMille: 100, freezesMax: 4, lateMax: 30),
    ]

    @Test(arguments: rows)
    func `a player sees every picture`(row: Row) throws {
        for seed in Self.seeds {
            let pair = try PeerPair.playing()
            var player = TestPlayer(pair)
            var sentAt: [MonotonicInstant] = []
            for frame in try PeerPair.frames(Self.pictures, from: 0) {
                sentAt.append(pair.now)
                pair.session.send(frame, at: pair.now)
                try player.run(for: Self.pictureDistance)
                if sentAt.count == 1 { pair.client.travel(row.path(seed)) }
            }
            try player.run(for: .seconds(2))
            var screen = Screen()
            for (sent, seen) in zip(sentAt, player.frames) { screen.show(sentAt: sent, arrivedAt: seen.arrivedAt) }
            // Nothing behind the last picture tells that its packets are missing.
            #expect(screen.shown >= Self.pictures - 2, "seed \(seed)")
            let steps = zip(player.frames.dropFirst(), player.frames).map { $0.frame.timestamp - $1.frame.timestamp }
            #expect(steps.allSatisfy { $0 == 3_000 }, "seed \(seed)")
            #expect(screen.freezes <= row.freezesMax, "seed \(seed)")
            let late = zip(sentAt, player.frames).count { $1.arrivedAt - $0 > Self.repairedWithin }
            #expect(late <= row.lateMax, "seed \(seed)")
        }
    }

    @Test(arguments: rows)
    func `every picture of a publisher comes in`(row: Row) throws {
        for seed in Self.seeds {
            let pair = try PeerPair(.publisher, PeerNegotiation.ingest, PeerPair.theirs(.sendOnly, .vp8))
            try pair.run(for: .seconds(1))
            var publisher = try Publisher(pair, seed: seed)
            var sentAt: [MonotonicInstant] = []
            for frame in try PeerPair.frames(Self.pictures, from: 0) {
                sentAt.append(pair.now)
                try publisher.send(frame)
                try publisher.run(for: Self.pictureDistance)
                if sentAt.count == 1 { pair.client.travel(row.path(seed)) }
            }
            try publisher.run(for: .seconds(2))
            var screen = Screen()
            for (sent, arrival) in zip(sentAt, publisher.arrivals) { screen.show(sentAt: sent, arrivedAt: arrival) }
            #expect(screen.shown >= Self.pictures - 2, "seed \(seed)")
            #expect(screen.freezes <= row.freezesMax, "seed \(seed)")
        }
    }

    /// A sender that is asked for what was lost.
    private struct Publisher {
        private let pair: PeerPair
        private var sender: FrameSender
        private var reportsTaken = 0
        private var eventsTaken = 0
        private(set) var arrivals: [MonotonicInstant] = []

        init(_ pair: PeerPair, seed: UInt64) throws {
            self.pair = pair
            sender = try FrameSender(pair, seed: seed)
        }

        mutating func send(_ frame: PacketizedFrame) throws { try sender.send(frame) }

        mutating func run(for duration: Duration) throws {
            let end = pair.now + duration
            while pair.now < end {
                try pair.run(for: .milliseconds(5))
                let (reports, events) = (pair.client.reports, pair.client.events)
                for case .nack(let nack) in reports[reportsTaken...] { try sender.sendAgain(nack.sequences) }
                for case .media(.unit) in events[eventsTaken...] { arrivals.append(pair.now) }
                (reportsTaken, eventsTaken) = (reports.count, events.count)
            }
        }
    }
}
