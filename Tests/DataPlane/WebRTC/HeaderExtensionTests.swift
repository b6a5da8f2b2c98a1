import MediaModel
import RTP
import SDP
import Testing
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

/// What sessions say of frames beside them.
@Suite struct HeaderExtensionTests {
    private static let captured = AbsoluteCaptureTime(time: NTPTime(5000 << 32), clockOffset: 0)

    @Test func `a publisher's capture time stays, and its clock is told from the node's`() throws {
        let pair = try PeerPair(
            .publisher,
            PeerNegotiation.ingest,
            PeerPair.theirs(.sendOnly, .vp8, extensions: [HeaderExtensionURI.absoluteCaptureTime])
        )
        try pair.run(for: .seconds(1))
        var sender = try FrameSender(pair, extensions: HeaderExtensionMap([2: .absoluteCaptureTime]))
        for (number, frame) in try PeerPair.frames(3, from: 0).enumerated() {
            var values = HeaderExtensions()
            if number != 1 { values.absoluteCaptureTime = Self.captured }
            try sender.send(frame, values)
            try pair.run(for: .milliseconds(30))
            // Its clock is 40 s ahead of ours.
            let ntp = NTPTime(PeerPair.wall + .seconds(40)) + (pair.now - PeerPair.zero)
            let report = sender.stream.senderReport(mediaNow: frame.presentationTime, ntp: ntp)
            try pair.client.send(rtcp: [.senderReport(report)])
            try pair.run(for: .milliseconds(5))
        }
        let units = pair.client.events.compactMap { event -> AccessUnit? in
            if case .media(.unit(let unit, _)) = event { unit } else { nil }
        }
        #expect(units.map { $0.captureTime?.time } == [Self.captured.time, nil, Self.captured.time])
        // Before its first report nobody knows; a report here is 5 ms on its way.
        #expect(units.first?.captureTime?.clockOffset == nil)
        let offset = try #require(units.last?.captureTime?.clockOffset)
        let read = NTPTime(UInt64(bitPattern: offset)) - NTPTime(0)
        #expect((39_994...40_000).contains(read.milliseconds), "\(read)")
    }

    @Test func `a player is told capture times on first packets, once a second, by the time its packets have`() throws {
        let pair = try PeerPair.playing(extensions: [HeaderExtensionURI.absoluteCaptureTime])
        let extensions = HeaderExtensionMap([2: .absoluteCaptureTime])
        var frames = try PeerPair.frames(60, from: 900_000)
        frames[4].captureTime = Self.captured
        pair.session.start(with: Array(frames.prefix(10)), at: pair.now)
        for frame in frames.dropFirst(10) {
            pair.session.send(frame, at: pair.now)
            try pair.run(for: .milliseconds(33))
        }
        let live = pair.client.packets.filter { $0.headerExtension != nil }
        let told = live.compactMap { packet in
            extensions.read(packet.headerExtension).absoluteCaptureTime.map { (packet, $0) }
        }
        #expect(told.count == 2, "\(told.map(\.1))")
        // The newest of the cached pictures keeps its time, so what follows from one holds for all later ones.
        let newest = try #require(pair.client.packets.last)
        for (packet, capture) in told {
            let behind = Int64(newest.timestamp &- packet.timestamp)
            let followed = capture.advanced(by: MediaTime(ticks: behind)).time
            let wanted = Self.captured.advanced(by: MediaTime(ticks: (59 - 4) * 3_000)).time
            #expect(abs((followed - wanted).milliseconds) <= 1)
            let first = pair.client.packets.first { $0.timestamp == packet.timestamp }
            #expect(first?.sequence == packet.sequence)
        }
    }

    @Test func `what a publisher that has gone told of its clock is not told of the next one's pictures`() throws {
        let pair = try PeerPair.playing(extensions: [HeaderExtensionURI.absoluteCaptureTime])
        let extensions = HeaderExtensionMap([2: .absoluteCaptureTime])
        var first = try PeerPair.frames(20, from: 0)
        first[0].captureTime = Self.captured
        func play(_ frames: [PacketizedFrame]) throws -> Int {
            let before = pair.client.packets.count
            for frame in frames {
                pair.session.send(frame, at: pair.now)
                try pair.run(for: .milliseconds(33))
            }
            return pair.client.packets.dropFirst(before).count {
                extensions.read($0.headerExtension).absoluteCaptureTime != nil
            }
        }
        #expect(try play(first) == 1)
        pair.session.interrupt()
        #expect(try play(PeerPair.frames(40, from: 20 * 3_000)) == 0)
    }

    @Test func `a player is told the playout delay until it has reported on the pictures`() throws {
        let asked = PlayoutDelay(minimum: 2, maximum: 50)
        let pair = try PeerPair.playing(extensions: [HeaderExtensionURI.playoutDelay], playoutDelay: asked)
        let extensions = HeaderExtensionMap([2: .playoutDelay])
        let frames = try PeerPair.frames(4, from: 0)
        for frame in frames.prefix(2) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let before = pair.client.packets
        #expect(before.allSatisfy { extensions.read($0.headerExtension).playoutDelay == asked })
        let media = try #require(before.first?.ssrc)
        let block = ReportBlock(
            ssrc: media,
            fractionLost: 0,
            cumulativeLost: 0,
            highestSequence: 0,
            jitter: 0,
            lastSenderReport: 0,
            delaySinceLastSenderReport: 0
        )
        try pair.client.send(rtcp: [.receiverReport(ReceiverReport(ssrc: SSRC(1), blocks: [block]))])
        try pair.run(for: .milliseconds(50))
        for frame in frames.dropFirst(2) { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let after = pair.client.packets.dropFirst(before.count)
        #expect(!before.isEmpty && !after.isEmpty)
        #expect(after.allSatisfy { extensions.read($0.headerExtension).playoutDelay == nil })
    }

    @Test func `who offers neither is sent neither`() throws {
        let pair = try PeerPair.playing(playoutDelay: PlayoutDelay(minimum: 2, maximum: 50))
        var frames = try PeerPair.frames(2, from: 0)
        frames[0].captureTime = Self.captured
        for frame in frames { pair.session.send(frame, at: pair.now) }
        try pair.run(for: .milliseconds(50))
        let elements = pair.client.packets.flatMap { $0.headerExtension?.elements ?? [] }
        // MID is one byte.
        #expect(!elements.isEmpty && elements.allSatisfy { $0.id == 1 })
    }
}
