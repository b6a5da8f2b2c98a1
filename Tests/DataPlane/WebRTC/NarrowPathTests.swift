import MediaModel
import RTP
import SDP
import TestSupport
import Testing
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

/// A player whose path carries less than the stream: how soon it is led to a rung, and what it sees until then.
@Suite struct NarrowPathTests {
    /// 25 pictures a second with a keyframe, five times as large, every two seconds.
    fileprivate struct Source {
        static let pictureDistance = Duration.milliseconds(40)
        static let gop = 50

        var bitsPerSecond: Int

        func frame(_ number: Int) -> PacketizedFrame {
            let isKeyframe = number % Self.gop == 0
            let mean = bitsPerSecond / 8 / 25 * Self.gop / (Self.gop + 4)
            let bytes = isKeyframe ? mean * 5 : mean
            let head: [UInt8] = isKeyframe ? [0x10, 0, 0, 0x9D, 0x01, 0x2A, 16, 0, 16, 0] : [0x11, 0, 0]
            let packets = (bytes + 1159) / 1160
            return PacketizedFrame(
                track: .video,
                presentationTime: MediaTime(ticks: Int64(number) * 3_600),
                isKeyframe: isKeyframe,
                payloads: (0..<packets).map { place in
                    let start: [UInt8] = place == 0 ? [0x10] + head : [0]
                    let length = min(1160, bytes - place * 1160)
                    let payload = start + Array(repeating: 7, count: max(length - start.count, 1))
                    return RTPPayload(bytes: ByteBuffer(bytes: payload), marker: place == packets - 1)
                }
            )
        }
    }

    private struct Outcome {
        var switchedAfter: Duration?
        var frozen = Duration.zero
        var longestFreeze = Duration.zero
        var firstPictureAfter: Duration?
        var isInOrder = true
    }

    private static let source = Source(bitsPerSecond: 1_000_000)
    private static let rung = Source(bitsPerSecond: 200_000)

    private static func pair(_ path: PeerPair.Path) throws -> PeerPair {
        let pair = try PeerPair.playing(
            extensions: [HeaderExtensionURI.transportWide],
            feedback: [.nack, .pictureLoss, .transportWide]
        )
        pair.client.travel(path)
        return pair
    }

    /// Twenty seconds from a moment of the GOP on. The rung begins at the keyframe behind the wish for it, as an encoder does.
    private static func play(_ path: PeerPair.Path, joinsAt place: Int) throws -> Outcome {
        let pair = try pair(path)
        var player = TestPlayer(pair)
        var outcome = Outcome()
        var choice = RenditionChoice()
        var switching = RenditionSwitch("source")
        let start = pair.now
        var judgeAt = start
        var rungFrom: Int?
        pair.session.start(with: (0...place).map { source.frame($0) }, at: pair.now)
        for number in (place + 1)..<(place + 500) {
            try player.run(for: Source.pictureDistance)
            for (name, stream) in [("source", source), ("rung", rung)] {
                let (isWanted, _) = switching.admit(stream.frame(number), of: name)
                if isWanted { pair.session.send(stream.frame(number), at: pair.now) }
            }
            if let first = rungFrom, number == first + 2, switching.jump(to: "rung") != nil {
                let kept = (first...number).map { rung.frame($0) }
                if switching.jumped(kept, of: "rung")?.isWanted == true {
                    outcome.switchedAfter = pair.now - start
                    pair.session.start(with: kept, at: pair.now)
                }
            }
            guard pair.now >= judgeAt, rungFrom == nil else { continue }
            judgeAt = pair.now + RenditionChoiceLimits().interval
            let rates = [source, rung].map(\.bitsPerSecond)
            if choice.judge(pair.session.path, bitrates: rates, current: 0, at: pair.now) == 1 {
                rungFrom = (number / Source.gop + 1) * Source.gop
            }
        }
        outcome.firstPictureAfter = player.frames.first.map { $0.arrivedAt - start }
        for (next, last) in zip(player.frames.dropFirst(), player.frames) {
            let pause = next.arrivedAt - last.arrivedAt
            // webrtc-stats §freezeCount.
            if pause > .milliseconds(190) {
                outcome.frozen = outcome.frozen + pause
                outcome.longestFreeze = max(outcome.longestFreeze, pause)
            }
            if next.frame.timestamp <= last.frame.timestamp { outcome.isInOrder = false }
        }
        return outcome
    }

    @Test(arguments: [10, 45], 1...3 as ClosedRange<UInt64>)
    func `a player whose path carries less than the stream has a rung soon`(joinsAt place: Int, seed: UInt64) throws {
        let path = PeerPair.Path(
            seed: seed,
            latency: .milliseconds(20),
            jitterMaxMilliseconds: 2,
            bitsPerSecond: 800_000
        )
        let outcome = try Self.play(path, joinsAt: place)
        // Two looks at the path, and the GOP that an encoder waits for.
        #expect(outcome.switchedAfter ?? .seconds(60) < .seconds(4), "\(outcome)")
        #expect(outcome.frozen < .seconds(2), "\(outcome)")
        #expect(outcome.isInOrder, "\(outcome)")
    }

    @Test(arguments: [10, 45])
    func `a path that carries the stream is not taken for a narrow one`(joinsAt place: Int) throws {
        let path = PeerPair.Path(
            seed: 1,
            latency: .milliseconds(20),
            jitterMaxMilliseconds: 2,
            bitsPerSecond: 20_000_000
        )
        let outcome = try Self.play(path, joinsAt: place)
        #expect(outcome.switchedAfter == nil && outcome.frozen == .zero, "\(outcome)")
        #expect(outcome.firstPictureAfter ?? .seconds(1) < .milliseconds(50), "\(outcome)")
    }
}
