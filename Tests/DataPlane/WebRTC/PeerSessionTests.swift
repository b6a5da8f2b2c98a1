import ICE
import MediaModel
import RTP
import SDP
import TestSupport
import Testing
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

@Suite struct PeerSessionTests {
    @Test func `a player is found, shakes hands and is told that it may be fed`() throws {
        let pair = try PeerPair.playing()
        #expect(pair.client.isOpen)
        #expect(pair.client.events.contains { if case .opened = $0 { true } else { false } }, "\(pair.client.events)")
    }

    /// Between an answer and the first check lie a browser's permission dialogues, and paths that are tried in vain.
    @Test func `a session waits for its peer for as long as ICE does, and says that nobody came`() throws {
        let theirs = PeerPair.theirs(.sendOnly, .vp8)
        let pair = try PeerPair(.publisher, PeerNegotiation.ingest, theirs)
        func events(at seconds: Int64) -> [PeerEvent] {
            let now = PeerPair.zero + .seconds(seconds)
            pair.session.timeoutReached(at: now)
            var events: [PeerEvent] = []
            while let output = pair.session.nextOutput(at: now) {
                if case .event(let event) = output { events.append(event) }
            }
            return events
        }
        for second in 1...29 { #expect(events(at: Int64(second)) == []) }
        #expect(events(at: 30) == [.over(.ice(.noConnection))])
    }

    @Test func `the cached frames come first, a moment apart, and live ones follow in order`() throws {
        let pair = try PeerPair.playing()
        let frames = try PeerPair.frames(40, from: 900_000)
        pair.session.start(with: Array(frames.prefix(30)), at: pair.now)
        for frame in frames.dropFirst(30) {
            pair.session.send(frame, at: pair.now)
            try pair.run(for: .milliseconds(33))
        }
        let packets = pair.client.packets
        let sequences = packets.map(\.sequence)
        #expect(sequences == (0..<sequences.count).map { (sequences.first ?? 0) &+ UInt16($0) })
        var stamps: [UInt32] = []
        for packet in packets where stamps.last != packet.timestamp { stamps.append(packet.timestamp) }
        let steps = zip(stamps.dropFirst(), stamps).map { $0 &- $1 }
        #expect(steps == Array(repeating: 90, count: 29) + Array(repeating: 3_000, count: 10))
        #expect(Set(packets.map(\.ssrc)).count == 1)
        #expect(pair.client.reports.contains { if case .senderReport = $0 { true } else { false } })
    }

    @Test func `after a gap pictures wait for a keyframe, and the numbers go on`() throws {
        let pair = try PeerPair.playing()
        let (first, second) = (try PeerPair.frames(3, from: 0), try PeerPair.frames(3, from: 90_000))
        for frame in first { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(100))
        let before = pair.client.packets.count
        pair.session.interrupt()
        pair.session.send(second[1], at: pair.now)
        try pair.run(for: .milliseconds(100))
        #expect(pair.client.packets.count == before)
        for frame in second { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(100))
        let sequences = pair.client.packets.map(\.sequence)
        #expect(pair.client.packets.count > before)
        #expect(sequences == (0..<sequences.count).map { (sequences.first ?? 0) &+ UInt16($0) })
    }

    @Test func `a storm of requests asks for one keyframe a second`() throws {
        let pair = try PeerPair.playing()
        for frame in try PeerPair.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let media = try #require(pair.client.packets.first?.ssrc)
        for _ in 0..<300 {
            let request = PictureLossIndication(sender: SSRC(1), media: media)
            try pair.client.send(rtcp: [.pictureLossIndication(request)])
            try pair.run(for: .milliseconds(10))
        }
        let asked = pair.client.events.filter { $0 == .keyframeWanted }.count
        #expect((3...4).contains(asked), "\(asked)")
    }

    @Test func `a lost packet is sent again on the stream of repeats`() throws {
        let pair = try PeerPair.playing()
        for frame in try PeerPair.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let lost = try #require(pair.client.packets.first)
        let nack = GenericNack(sender: SSRC(1), media: lost.ssrc, sequences: [lost.sequence])
        try pair.client.send(rtcp: [.nack(nack)])
        try pair.run(for: .milliseconds(50))
        let repeated = try #require(pair.client.packets.last)
        #expect(repeated.ssrc != lost.ssrc)
        let original = try repeated.original(ssrc: lost.ssrc, payloadType: lost.payloadType)
        #expect(original?.sequence == lost.sequence && original?.payload == lost.payload)
    }

    @Test func `a publisher's frames become tracks and units`() throws {
        let pair = try PeerPair(.publisher, PeerNegotiation.ingest, PeerPair.theirs(.sendOnly, .vp8))
        try pair.run(for: .seconds(1))
        var sender = try FrameSender(pair)
        for frame in try PeerPair.frames(5, from: 0) {
            try sender.send(frame)
            try pair.run(for: .milliseconds(33))
        }
        let media = pair.client.events.compactMap { if case .media(let media) = $0 { media } else { nil } }
        #expect(media.first == .tracks([Track(id: .video, codec: .vp8(width: 16, height: 16))]))
        let units = media.compactMap { if case .unit(let unit, _) = $0 { unit } else { nil } }
        #expect(units.map(\.isKeyframe) == [true, false, false, false, false])
        #expect(units.map(\.payload) == [true, false, false, false, false].map(PeerPair.vp8))
        #expect(zip(units.dropFirst(), units).allSatisfy { $0.decodeTime.ticks - $1.decodeTime.ticks == 3_000 })
    }

    /// FFmpeg's and GStreamer's clients wait for our ClientHello; none here names a candidate.
    @Test func `a peer that waits for DTLS is shaken hands with as well`() throws {
        let pair = try PeerPair.playing(waitsForDTLS: true)
        #expect(pair.client.isOpen && pair.session.isOpen)
        for frame in try PeerPair.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        #expect(!pair.client.packets.isEmpty)
    }

    @Test func `after an ICE restart media goes on under the new credentials, with the keys there were`() throws {
        let pair = try PeerPair.playing()
        for frame in try PeerPair.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let before = pair.client.packets.count
        try pair.restart()
        let fragments = pair.session.userFragments
        #expect(fragments.count == 2)
        try pair.run(for: .seconds(1))
        for frame in try PeerPair.frames(2, from: 90_000) { pair.session.send(frame, at: pair.now) }
        // Longer than consent lasts without checks that are signed anew.
        try pair.run(for: .seconds(40))
        #expect(pair.session.isOpen && pair.client.packets.count == before * 2)
        #expect(pair.client.openings == 1)
    }

    /// Of each four pictures the last is shown first of the three behind it.
    @Test func `a publisher with B-frames is told so, and one whose clock jumped is not`() throws {
        func ends(_ place: (Int64) -> Int64) throws -> [PeerEvent] {
            let pair = try PeerPair(.publisher, PeerNegotiation.ingest, PeerPair.theirs(.sendOnly, .vp8))
            try pair.run(for: .seconds(1))
            var sender = try FrameSender(pair)
            for (number, frame) in try PeerPair.frames(40, from: 0).enumerated() {
                var frame = frame
                frame.presentationTime = MediaTime(ticks: (20 + place(Int64(number))) * 3_000)
                try sender.send(frame)
                try pair.run(for: .milliseconds(33))
            }
            return pair.client.events.filter { if case .over = $0 { true } else { false } }
        }
        #expect(try ends { $0 % 4 == 1 ? $0 + 2 : $0 % 4 == 0 ? $0 : $0 - 1 } == [.over(.reorderedPictures)])
        #expect(try ends { $0 < 20 ? $0 : $0 - 15 } == [])
    }

    @Test func `a publisher that sends nothing for twenty seconds has left, one that pauses has not`() throws {
        let pair = try PeerPair(.publisher, PeerNegotiation.ingest, PeerPair.theirs(.sendOnly, .vp8))
        func ends() -> [PeerEvent] { pair.client.events.filter { if case .over = $0 { true } else { false } } }
        try pair.run(for: .seconds(15))
        var sender = try FrameSender(pair)
        for frame in try PeerPair.frames(2, from: 0) { try sender.send(frame) }
        try pair.run(for: .seconds(15))
        for frame in try PeerPair.frames(2, from: 1_350_000) { try sender.send(frame) }
        try pair.run(for: .seconds(18))
        #expect(ends() == [])
        try pair.run(for: .seconds(5))
        #expect(ends() == [.over(.publisherSilent)])
    }

    @Test func `a publisher that sends no keyframe by itself is asked for one every two seconds`() throws {
        let pair = try PeerPair(.publisher, PeerNegotiation.ingest, PeerPair.theirs(.sendOnly, .vp8))
        try pair.run(for: .seconds(1))
        var sender = try FrameSender(pair)
        var packetizer = try #require(try Packetizer(.vp8(width: 16, height: 16)))
        var asked = 0
        for number in 0..<300 {
            let requests = pair.client.reports.filter { if case .pictureLossIndication = $0 { true } else { false } }
            let isKeyframe = number == 0 || requests.count > asked
            asked = requests.count
            let unit = AccessUnit(
                track: .video,
                decodeTime: MediaTime(ticks: Int64(number) * 3_150),
                isKeyframe: isKeyframe,
                payload: PeerPair.vp8(isKeyframe: isKeyframe)
            )
            try sender.send(try packetizer.packetize(unit))
            try pair.run(for: .milliseconds(35))
        }
        // Ten seconds and a half of pictures.
        #expect((4...6).contains(asked), "\(asked)")
    }

    /// aiortc's client, for one, goes by REMB.
    @Test func `a publisher without transport-wide feedback is told once a second how much its path carries`() throws {
        let sendTime = [HeaderExtensionURI.absoluteSendTime]
        func rates(told feedback: [RTCPFeedback]) throws -> [ReceiverEstimatedMaximumBitrate] {
            let theirs = PeerPair.theirs(.sendOnly, .vp8, extensions: sendTime, feedback: feedback)
            let pair = try PeerPair(.publisher, PeerNegotiation.ingest, theirs)
            try pair.run(for: .seconds(1))
            var sender = try FrameSender(pair, extensions: HeaderExtensionMap([2: .absoluteSendTime]))
            for frame in try PeerPair.frames(100, from: 0) {
                var values = HeaderExtensions()
                values.absoluteSendTime = UInt32(pair.now.nanoseconds / 1000 << 18 / 1_000_000) & 0xFF_FFFF
                try sender.send(frame, values)
                try pair.run(for: .milliseconds(30))
            }
            return pair.client.reports.compactMap { if case .maximumBitrate(let rate) = $0 { rate } else { nil } }
        }
        let told = try rates(told: [.nack, .remb])
        #expect((2...4).contains(told.count), "\(told)")
        #expect(told.allSatisfy { $0.sources == [FrameSender.ssrc] && $0.bitsPerSecond > 500_000 }, "\(told)")
        #expect(try rates(told: [.nack]).isEmpty)
    }

    @Test func `noise from the peer's path changes nothing`() throws {
        let pair = try PeerPair.playing()
        var random = SplitMix64(seed: 11)
        for length in 0..<300 {
            pair.client.send(ByteBuffer(bytes: (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }))
        }
        try pair.run(for: .milliseconds(50))
        for frame in try PeerPair.frames(2, from: 0) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        #expect(pair.session.isOpen && !pair.client.packets.isEmpty)
    }

    /// They would hear it and never know why they see nothing.
    @Test func `who cannot have the picture is not given the sound alone`() throws {
        var random = SplitMix64(seed: 1)
        let tracks = [
            Track(id: .video, codec: .vp8(width: 16, height: 16)),
            Track(id: .audio, codec: .opus(configuration: ByteBuffer(), channels: 2)),
        ]
        let ours = try PeerNegotiation.egress(tracks, using: &random)
        #expect(ours.map(\.kind) == ["video", "audio"])
        #expect(ours.map(\.isEssential) == [true, false])
        #expect(PeerNegotiation.ingest.filter(\.isEssential).map(\.kind) == ["video"])
    }

    @Test func `a stream that WebRTC does not carry is refused by the names of its codecs`() {
        var random = SplitMix64(seed: 1)
        let tracks = [Track(id: .audio, codec: .mp3(sampleRate: 44_100, channels: 2))]
        #expect(throws: UnplayableStream.noCodec(["mp3"])) { try PeerNegotiation.egress(tracks, using: &random) }
    }
}
