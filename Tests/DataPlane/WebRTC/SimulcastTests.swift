import MediaModel
import RTP
import SDP
import Testing
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

/// A publisher that sends three layers of its camera, 20 pictures a second each.
@Suite struct SimulcastTests {
    /// What a browser sends: SSRCs that no description names, and the layer's name in each packet.
    private final class Camera {
        private struct Layer {
            var rid: String
            var ssrc: SSRC
            var height: UInt16
            var sequence: UInt16 = 100
            var packetizer: Packetizer
            var wantsKeyframe = true
        }

        private static let rids = ["q", "h", "f"]
        private let pair: PeerPair
        private let extensions: HeaderExtensionMap
        private let type: PayloadType
        private let repairType: PayloadType
        private var layers: [Layer] = []
        private var number: UInt32 = 0
        /// Those that are not sent.
        var stopped: Set<String> = []
        private var reportsRead = 0

        init() throws {
            pair = try PeerPair(
                .publisher,
                PeerNegotiation.ingest,
                PeerPair.theirs(.sendOnly, .vp8, layers: Self.rids),
                layers: Self.rids
            )
            type = try #require(PayloadType(96))
            repairType = try #require(PayloadType(97))
            extensions = HeaderExtensionMap([1: .mid, 2: .rid, 3: .repairedRid])
            for (place, rid) in Self.rids.enumerated() {
                let packetizer = try #require(try Packetizer(.vp8(width: 16, height: 16)))
                let (ssrc, height) = (SSRC(UInt32(100 + place)), UInt16(90 << place))
                layers.append(Layer(rid: rid, ssrc: ssrc, height: height, packetizer: packetizer))
            }
            try pair.run(for: .seconds(1))
        }

        var media: [PublishedMedia] {
            pair.client.events.compactMap { if case .media(let media) = $0 { media } else { nil } }
        }

        /// By the layer whose SSRC they name.
        var keyframeRequests: [String] {
            pair.client.reports.compactMap { report in
                guard case .pictureLossIndication(let request) = report else { return nil }
                return layers.first { $0.ssrc == request.media }?.rid
            }
        }

        /// - Parameter named: whether packets name their layer.
        func show(_ count: Int, named: Bool = true) throws {
            for _ in 0..<count {
                number += 1
                heedRequests()
                for place in layers.indices where !stopped.contains(layers[place].rid) {
                    for packet in try packets(of: place, named: named) { try pair.client.send(rtp: packet) }
                }
                try pair.run(for: .milliseconds(50))
            }
        }

        /// Pictures of which the last packet of one layer is lost, and then sent again on a stream of repeats that names it.
        func showRepairing(_ rid: String) throws {
            number += 1
            for place in layers.indices {
                var packets = try packets(of: place, named: true)
                let lost = layers[place].rid == rid ? packets.popLast() : nil
                for packet in packets { try pair.client.send(rtp: packet) }
                try pair.run(for: .milliseconds(10))
                guard var repeated = lost else { continue }
                var payload = ByteBuffer()
                payload.writeInteger(repeated.sequence)
                payload.writeImmutableBuffer(repeated.payload)
                var values = HeaderExtensions()
                values.repairedRid = rid
                (repeated.ssrc, repeated.payloadType, repeated.sequence) = (SSRC(999), repairType, 7)
                (repeated.payload, repeated.headerExtension) = (payload, extensions.block(for: values))
                try pair.client.send(rtp: repeated)
            }
            try pair.run(for: .milliseconds(40))
        }

        func wantKeyframe(of track: TrackID) throws {
            pair.session.wantKeyframe(of: track, at: pair.now)
            try pair.run(for: .milliseconds(10))
        }

        private func heedRequests() {
            for rid in keyframeRequests.dropFirst(reportsRead) {
                if let place = layers.firstIndex(where: { $0.rid == rid }) { layers[place].wantsKeyframe = true }
            }
            reportsRead = keyframeRequests.count
        }

        private func packets(of place: Int, named: Bool) throws -> [RTPPacket] {
            let isKeyframe = layers[place].wantsKeyframe
            layers[place].wantsKeyframe = false
            let (low, high) = (UInt8(layers[place].height & 0xFF), UInt8(layers[place].height >> 8))
            let tag: [UInt8] = isKeyframe ? [0x10, 0, 0, 0x9D, 0x01, 0x2A, 160, 0, low, high] : [0x11, 0, 0]
            let unit = AccessUnit(
                track: .video,
                decodeTime: .zero,
                isKeyframe: isKeyframe,
                payload: ByteBuffer(bytes: tag + Array(repeating: UInt8(place), count: 2_000))
            )
            var values = HeaderExtensions()
            if named { values.rid = layers[place].rid }
            let payloads = try layers[place].packetizer.packetize(unit).payloads
            return payloads.enumerated().map { index, payload in
                defer { layers[place].sequence += 1 }
                return RTPPacket(
                    marker: index == payloads.count - 1,
                    payloadType: type,
                    sequence: layers[place].sequence,
                    timestamp: number * 4_500 + UInt32(place) * 1_000_000,
                    ssrc: layers[place].ssrc,
                    headerExtension: extensions.block(for: values),
                    payload: payload.bytes
                )
            }
        }
    }

    /// What became of the layers, in words: pictures by the height that was announced for them.
    private func words(_ media: [PublishedMedia]) -> [String] {
        var words: [String] = []
        for each in media {
            let word: String
            switch each {
            case .tracks(let tracks):
                let heights = tracks.flatMap { [$0] + $0.layers }.map { "\($0.codec.size.height)" }
                word = "tracks \(heights.joined(separator: "+"))"
            case .unit(let unit, _): word = unit.isKeyframe ? "keyframe" : "picture"
            case .layer(let unit): word = "layer \(unit.track.value)"
            }
            if words.last != word { words.append(word) }
        }
        return words
    }

    @Test func `the highest layer is the stream, and each lower one comes beside it under its own number`() throws {
        let camera = try Camera()
        try camera.show(10)
        #expect(words(camera.media).prefix(2) == ["tracks 360+180+90", "keyframe"])
        let units = camera.media.compactMap { if case .unit(let unit, _) = $0 { unit } else { nil } }
        #expect(units.count == 10 && units.allSatisfy { $0.payload.readableBytesView.last == 2 })
        for (track, place) in [(TrackID(17), UInt8(1)), (TrackID(16), 0)] {
            let pictures = camera.media.compactMap { media -> AccessUnit? in
                if case .layer(let unit) = media, unit.track == track { unit } else { nil }
            }
            #expect(pictures.count >= 8 && pictures.allSatisfy { $0.payload.readableBytesView.last == place })
        }
    }

    @Test func `once a layer's SSRC is known its packets need not name it`() throws {
        let camera = try Camera()
        try camera.show(2)
        let before = camera.media.count
        try camera.show(5, named: false)
        #expect(camera.media.count == before + 15)
    }

    @Test(arguments: ["q", "h", "f"])
    func `a repeat belongs to the layer that it names`(rid: String) throws {
        let camera = try Camera()
        try camera.show(3)
        let before = camera.media.count
        try camera.showRepairing(rid)
        #expect(camera.media.count == before + 3)
    }

    @Test func `packets that nobody has named yet are no layer's`() throws {
        let camera = try Camera()
        try camera.show(5, named: false)
        #expect(camera.media.isEmpty)
    }

    @Test func `a keyframe of a layer is asked of its SSRC, one of the stream of all layers`() throws {
        let camera = try Camera()
        // Requests are a second apart, and the first went out at the first packets.
        try camera.show(25)
        let before = camera.keyframeRequests.count
        try camera.wantKeyframe(of: TrackID(17))
        #expect(camera.keyframeRequests.dropFirst(before) == ["h"])
        try camera.show(30)
        let later = camera.keyframeRequests.count
        try camera.wantKeyframe(of: .video)
        try camera.show(20)
        #expect(Set(camera.keyframeRequests.dropFirst(later)) == ["q", "h", "f"])
    }

    @Test func `where the highest layer stops the next one goes on from a keyframe, until the highest is back`() throws
    {
        let camera = try Camera()
        try camera.show(10)
        camera.stopped = ["f"]
        try camera.show(60)
        #expect(words(camera.media).contains("tracks 180+90"), "\(words(camera.media))")
        camera.stopped = []
        try camera.show(60)
        #expect(words(camera.media).filter { $0.hasPrefix("tracks") }.last == "tracks 360+180+90")
        // Nobody gets pictures of another size without the tracks and a keyframe before.
        for (index, word) in words(camera.media).enumerated() where word.hasPrefix("tracks") {
            let next = words(camera.media).dropFirst(index + 1).first { !$0.hasPrefix("layer") }
            #expect(next == "keyframe", "\(words(camera.media))")
        }
    }

    @Test func `a lower layer that stops is told of no more`() throws {
        let camera = try Camera()
        try camera.show(10)
        camera.stopped = ["h"]
        try camera.show(60)
        #expect(words(camera.media).filter { $0.hasPrefix("tracks") } == ["tracks 360+180+90", "tracks 360+90"])
    }

    @Test func `without its highest layer a publisher begins after a moment, with what there is`() throws {
        let camera = try Camera()
        camera.stopped = ["f"]
        try camera.show(50)
        #expect(words(camera.media).prefix(2) == ["tracks 180+90", "keyframe"])
    }
}

extension CodecParameters {
    fileprivate var size: (width: Int, height: Int) {
        if case .vp8(let width, let height) = self { (width, height) } else { (0, 0) }
    }
}
