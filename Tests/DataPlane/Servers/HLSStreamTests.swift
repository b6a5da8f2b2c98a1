import ClusterModel
import HTTPServer
import MediaModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Streams
import Synchronization
import Testing

@Suite struct HLSStreamTests {
    static let playlist = HLSAsk.mediaPlaylist(MediaQuery(""))
    let id: StreamID

    init() throws { id = try StreamID(app: "live", id: "s1") }

    /// Every object a playlist names.
    static func names(in playlist: String) -> [String] {
        playlist.split(whereSeparator: { $0 == "\n" || $0 == "\"" })
            .filter { $0.hasSuffix(".m4s") || $0.hasSuffix(".mp4") }
            .compactMap { $0.split(separator: "/").last.map(String.init) }
    }

    @Test func `The first playlist is held until two segments are complete, then answered once`() {
        let origin = HLSOrigin(id, seconds: 10)
        _ = origin.publish(until: 0.5)
        let held = origin.node.hold(Self.playlist)
        #expect(held.count == 0)
        _ = origin.publish(until: 3)
        #expect(held.count == 0)
        _ = origin.publish(until: 9)
        #expect(held.count == 1)
        #expect(held.response?.status == .ok)
        #expect(held.response?.text.hasPrefix("#EXTM3U") == true)
    }

    @Test func `A single segment is listed when the second takes longer than it should`() throws {
        var settings = AppSettings()
        settings.hlsSegmentDuration = 0
        let origin = HLSOrigin(id, seconds: 10, settings: settings)
        _ = origin.publish(until: 0.5)
        let held = origin.node.hold(Self.playlist)
        for step in 1...45 where held.count == 0 {
            _ = origin.publish(until: 0.5 + 0.2 * Double(step))
            origin.node.loop.advanceTime(by: .seconds(1))
        }
        let text = try #require(held.response).text
        #expect(text.split(separator: "\n").count { $0.hasPrefix("#EXTINF") } == 1)
    }

    @Test func `Every name a playlist lists is served, and another is not found`() throws {
        let origin = HLSOrigin(id, seconds: 10)
        _ = origin.publish(until: 0.1)
        _ = origin.node.hold(Self.playlist)
        _ = origin.publish(until: 9)
        let text = try #require(origin.node.ask(Self.playlist)).text
        let listed = Self.names(in: text).filter { !text.contains("PRELOAD-HINT:TYPE=PART,URI=\"\(id.id)/\($0)") }
        #expect(listed.count > 10)
        for name in listed {
            let response = try #require(origin.node.ask(object: name), "\(name) was held")
            #expect(response.status == .ok, "\(name)")
            #expect(response.whole.readableBytes > 0, "\(name)")
        }
        for name in ["v0-9-init1.mp4", "source-8-init1.mp4", "source-3-1.99.m4s"] {
            guard let response = origin.node.ask(object: name) else { continue }
            #expect(response.status == .notFound, "\(name)")
        }
    }

    @Test func `DASH names objects that are served, and its players count for it`() throws {
        let origin = HLSOrigin(id, seconds: 10)
        _ = origin.publish(until: 0.1)
        let held = origin.node.describe()
        #expect(held.count == 0, "there is no segment yet")
        _ = origin.publish(until: 9)
        let text = try #require(origin.node.describe().response).text
        let header = try #require(text.split(separator: "initialization=\"").last?.split(separator: "\"").first)
        #expect(origin.node.ask(object: header)?.status == .ok)
        let names = Self.segments(in: text)
        #expect(names.count >= 6)
        for name in names { #expect(origin.node.ask(object: name, connection: held)?.status == .ok, "\(name)") }
        // HLS's whole segments are named by their numbers.
        let listed = Self.names(in: try #require(origin.node.ask(Self.playlist)).text)
        let whole = try #require(listed.last { $0.hasSuffix(".m4s") && $0.split(separator: ".").count == 2 })
        let other = HeldAnswer()
        #expect(origin.node.ask(object: whole, connection: other)?.status == .ok)
        let fetches = origin.node.packager.fetches
        #expect(fetches.allSatisfy { $0.dash == 1 } && fetches.map(\.hls).reduce(0, +) == 1, "\(fetches)")
    }

    /// As a description names them, of all its representations.
    static func segments(in description: String) -> [String] {
        description.split(separator: "<SegmentTemplate ").dropFirst().flatMap { template -> [String] in
            guard let media = template.split(separator: "media=\"").dropFirst().first?.split(separator: "\"").first
            else { return [] }
            return template.split(separator: "<S t=\"").dropFirst().compactMap { entry in
                entry.split(separator: "\"").first.map { String(media.replacing("$Time$", with: $0)) }
            }
        }
    }

    @Test func `A rung that is given up is in no master until it is back, and the others stay`() throws {
        let origin = HLSOrigin(id, seconds: 10)
        var settings = AppSettings()
        settings.encoderSettings = [96, 64].map {
            EncoderSetting(height: $0, videoBitrate: 100_000, audioBitrate: 0, forceEncode: true)
        }
        origin.node.stream.apply(settings)
        let ask = HLSAsk.multivariantPlaylist(MediaQuery(""))
        _ = origin.publish(until: 0.1)
        _ = origin.node.ask(ask)
        _ = origin.publish(until: 9)
        func offered() throws -> [String] {
            let lines = try #require(origin.node.ask(ask)).text.split(separator: "\n")
            return lines.filter { !$0.hasPrefix("#") }.map(String.init)
        }
        let all = ["s1.m3u8", "s1_96p100kbps.m3u8", "s1_64p100kbps.m3u8"]
        #expect(try offered() == all)
        origin.node.stream.learn(rungsGivenUp: ["96p100kbps"])
        #expect(try offered() == [all[0], all[2]])
        // Reports of other renditions in media playlists are equal on all nodes at all times.
        #expect(try #require(origin.node.ask(Self.playlist)).text.contains("URI=\"s1_96p100kbps.m3u8\""))
        origin.node.stream.learn(rungsGivenUp: [])
        #expect(try offered() == all)
    }

    @Test func `A blocking reload is answered when its part is there, and one far ahead is refused`() throws {
        let origin = HLSOrigin(id, seconds: 20)
        _ = origin.publish(until: 0.1)
        _ = origin.node.hold(Self.playlist)
        _ = origin.publish(until: 9)
        let text = try #require(origin.node.ask(Self.playlist)).text
        let first = try #require(text.split(separator: "#EXT-X-MEDIA-SEQUENCE:").last?.split(separator: "\n").first)
        let next = try #require(Int(first)) + text.split(separator: "\n").count { $0.hasPrefix("#EXTINF") }
        let held = origin.node.hold(.mediaPlaylist(MediaQuery("_HLS_msn=\(next)")))
        #expect(held.count == 0)
        let far = origin.node.ask(.mediaPlaylist(MediaQuery("_HLS_msn=\(next + 10)")))
        #expect(far?.status == .badRequest)
        let broken = origin.node.ask(.mediaPlaylist(MediaQuery("_HLS_msn=x")))
        #expect(broken?.status == .badRequest)
        _ = origin.publish(until: 14)
        #expect(held.count == 1)
        #expect(held.response?.status == .ok)
    }

    /// A 404 would tell players that the stream is over.
    @Test(arguments: [EndReason.draining, .removed, .fenced(Epoch(9))])
    func `Who waits for a stream that leaves this node is told to come back`(reason: EndReason) throws {
        let origin = HLSOrigin(id, seconds: 10)
        _ = origin.publish(until: 0.5)
        let held = origin.node.hold(Self.playlist)
        origin.node.stream.end(reason)
        let response = try #require(held.response)
        #expect(response.status == .serviceUnavailable && response.headers.contains(name: "retry-after"))
    }

    @Test func `Players that are gone are counted no more, though children keep the stream packaged`() throws {
        var limits = HLSLimits()
        limits.idleTimeout = .zero
        let origin = HLSOrigin(id, seconds: 10, limits)
        _ = origin.publish(until: 0.1)
        _ = origin.node.hold(Self.playlist)
        _ = origin.publish(until: 9)
        origin.node.stream.wantObjects(true)
        let text = try #require(origin.node.ask(Self.playlist)).text
        let segment = try #require(Self.names(in: text).first { $0.hasSuffix(".m4s") })
        _ = origin.node.ask(object: segment)
        #expect(origin.node.packager.fetches.map(\.hls) == [1])
        origin.node.loop.advanceTime(by: .seconds(1))
        #expect(origin.node.packager.fetches.isEmpty)
        #expect(origin.node.stream.objects != nil)
    }

    @Test func `A finished stream's index says so to children`() {
        let origin = HLSOrigin(id, seconds: 10)
        _ = origin.publish(until: 0.1)
        _ = origin.node.hold(Self.playlist)
        _ = origin.publish(until: 9)
        origin.node.stream.end(.unpublished)
        let told = Mutex<ByteBuffer?>(nil)
        origin.node.packager.object(named: "index") { answer in
            if case .bytes(let pieces) = answer { told.withLock { $0 = pieces.first } }
        }
        // Flags: bit 0 is the end.
        #expect(told.withLock { $0?.readMultipleIntegers(as: (UInt8, UInt8).self).map { $0.1 & 1 } } == 1)
    }

    /// A player that is sent from one edge to the other would see the media sequence go back.
    @Test func `An edge that begins to package long after its pull began lists what the others do`() throws {
        let origin = HLSOrigin(id, seconds: 30)
        let early = HLSNode(id)
        let late = HLSNode(id)
        let begin = origin.publish(until: 0.1)
        for node in [early, late] {
            node.stream.beginPull(from: DirectUpstream(origin.node), epoch: Epoch(3), tracks: origin.node.stream.tracks)
            node.stream.receive(begin)
        }
        _ = origin.node.hold(Self.playlist)
        _ = early.hold(Self.playlist)
        for time in [11.3, 19.7] {
            let items = origin.publish(until: time)
            for node in [early, late] { node.stream.receive(items) }
        }
        let text = try #require(early.ask(Self.playlist)).text
        #expect(late.hold(Self.playlist).response?.text == text)
    }

    @Test func `Nothing is listed until the parent has told its index, or failed to in time`() throws {
        let origin = HLSOrigin(id, seconds: 30)
        var limits = HLSLimits()
        limits.indexTimeout = .zero
        let edge = HLSNode(id, limits)
        let begin = origin.publish(until: 0.1)
        _ = origin.node.hold(Self.playlist)
        let silent = SilentUpstream()
        edge.stream.beginPull(from: silent, epoch: Epoch(3), tracks: origin.node.stream.tracks)
        edge.stream.receive(begin + origin.publish(until: 9.1))
        let held = edge.hold(Self.playlist)
        #expect(held.count == 0 && silent.asked == ["index"])
        edge.stream.receive(origin.publish(until: 14))
        #expect(held.count == 0)
        edge.loop.advanceTime(by: .seconds(1))
        #expect(held.response?.status == .ok)
    }

    @Test func `Three nodes, one of which joined late, give the same playlist and the same bytes of every object`()
        throws
    {
        let origin = HLSOrigin(id, seconds: 20)
        let early = HLSNode(id)
        let late = HLSNode(id)
        func pass(_ items: [StreamItem], to node: HLSNode) { node.stream.receive(items) }

        let begin = origin.publish(until: 0.1)
        _ = origin.node.hold(Self.playlist)
        early.stream.beginPull(from: DirectUpstream(origin.node), epoch: Epoch(3), tracks: origin.node.stream.tracks)
        pass(begin, to: early)
        _ = early.hold(Self.playlist)
        pass(origin.publish(until: 11.3), to: early)

        late.stream.beginPull(from: DirectUpstream(early), epoch: Epoch(3), tracks: early.stream.tracks)
        pass(early.stream.cachedItems, to: late)
        _ = late.hold(Self.playlist)
        let rest = origin.publish(until: 15.1)
        pass(rest, to: early)
        pass(rest, to: late)

        let texts = try [origin.node, early, late].map { try #require($0.ask(Self.playlist)).text }
        #expect(texts[1] == texts[0])
        #expect(texts[2] == texts[0])
        let hinted = texts[0].split(separator: "\n").last { $0.hasPrefix("#EXT-X-PRELOAD-HINT") } ?? ""
        let names = Self.names(in: texts[0]).filter { !hinted.contains($0) }
        #expect(names.count > 10)
        for name in names {
            let bytes = try [origin.node, early, late].map { try #require($0.ask(object: name), "\(name)") }
            #expect(bytes.allSatisfy { $0.status == .ok }, "\(name)")
            #expect(bytes[1].whole == bytes[0].whole, "\(name)")
            #expect(bytes[2].whole == bytes[0].whole, "\(name)")
        }
    }
}
