import ClusterModel
import FLV
import FanOut
import Foundation
import HLS
import HTTPServer
import MediaFixtures
import MediaModel
import NIOCore
import NIOPosix
import RTMP
import Streams
import Synchronization
import Testing
import Timebase

/// HTTP-FLV and HLS over real sockets, from a stream that the test feeds.
@Suite(.timeLimit(.minutes(2))) struct HTTPMediaTests {
    /// A worker with one stream, and its fixture in the hub as far as the test has gone.
    private struct Rig {
        let worker: TestWorker
        let stream: LiveStream
        private let units: [AccessUnit]
        private var position = 0

        init(_ options: TestWorker.Options = TestWorker.Options(), settings: AppSettings = AppSettings()) async throws {
            worker = try await TestWorker(options)
            worker.gate.state.withLock { $0.settings = settings }
            let id = try StreamID(app: "live", id: "s1")
            stream = try await worker.gate.addStream(id, on: worker.group.next())
            let fixture = FixtureStream(seed: 5)
            units = fixture.units(seconds: 30)
            let tracks = fixture.tracks
            try await stream.loop.submit { [stream] in
                stream.ingest([.tracks(tracks)], at: WallTime(milliseconds: 1_000_000))
            }.get()
        }

        mutating func publish(until seconds: Double) async throws {
            let from = position
            while position < units.count, units[position].decodeTime < MediaTime(seconds: seconds) { position += 1 }
            let items = units[from..<position].map { IngestItem.unit($0, frame: nil) }
            try await stream.loop.submit { [stream] in
                stream.ingest(items, at: WallTime(milliseconds: 1_000_000))
            }.get()
        }

        func open(_ target: String) async throws -> RawClient {
            let client = try await RawClient(port: worker.httpPort, on: worker.group)
            client.send("GET \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client
        }

        func bodyBytes(_ target: String, method: String = "GET") async throws -> Int {
            let client = try await RawClient(port: worker.httpPort, on: worker.group)
            client.send("\(method) \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let answer = try await client.bytesUntilClosed()
            let head = try #require(answer.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)))
            return answer.writerIndex - head.upperBound
        }

        func text(_ target: String) async throws -> String { try await open(target).textUntilClosed() }

        /// Asks for the playlist before there is one. Once it is held, what is published is kept for playlists.
        func openPlaylist() async throws -> RawClient {
            let client = try await open("/live/streams/s1.m3u8")
            try await eventually("the stream is packaged") {
                try await stream.loop.submit { [stream] in stream.wantsObjects }.get()
            }
            return client
        }

        func end() { stream.loop.execute { [worker, stream] in worker.gate.end(stream, .unpublished) } }
    }

    private static func body(_ text: String) -> String {
        text.range(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? ""
    }

    // MARK: HTTP-FLV

    /// Behind the HTTP head.
    private func flvWords(_ bytes: ByteBuffer) throws -> [MediaWord] {
        let head = try #require(bytes.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)))
        var reader = FLVTagReader()
        reader.append(try #require(bytes.getSlice(at: head.upperBound, length: bytes.writerIndex - head.upperBound)))
        var words: [MediaWord] = []
        while let tag = try reader.next() {
            let kind: TrackKind = tag.header.type == .video ? .video : tag.header.type == .audio ? .audio : .data
            words.append(MediaWord(MediaMessage(kind: kind, timestamp: tag.header.timestamp, payload: tag.body)))
        }
        #expect(reader.fileHeader == FLVFileHeader(hasAudio: true, hasVideo: true))
        return words
    }

    @Test func `HTTP-FLV begins with header, metadata, sequence headers and a keyframe, and closes at the end`()
        async throws
    {
        var rig = try await Rig()
        try await rig.publish(until: 3)
        let client = try await rig.open("/live/streams/s1.flv")
        try await eventually("media comes") { client.received.readableBytes > 2000 }
        #expect(rig.stream.viewerCounts.httpFlv == 1)
        rig.end()
        let text = try await client.textUntilClosed().lowercased()
        #expect(text.hasPrefix("http/1.1 200 "))
        #expect(text.contains("\r\ncontent-type: video/x-flv\r\n"))
        #expect(text.contains("\r\naccess-control-allow-origin: *\r\n"))
        let words = try flvWords(client.received)
        #expect(
            Array(words.prefix(4)) == [
                .metadata, .header(.video), .header(.audio), .frame(.video, isKeyframe: true),
            ]
        )
        #expect(!words.contains(.unreadable))
        try await eventually("no viewer is left") { rig.stream.viewerCounts.httpFlv == 0 }
        try await rig.worker.stop()
    }

    @Test func `HEAD of HTTP-FLV takes no place as a viewer`() async throws {
        var rig = try await Rig()
        try await rig.publish(until: 1)
        let client = try await RawClient(port: rig.worker.httpPort, on: rig.worker.group)
        client.send("HEAD /live/streams/s1.flv HTTP/1.1\r\nConnection: close\r\n\r\n")
        let text = try await client.textUntilClosed().lowercased()
        #expect(text.hasPrefix("http/1.1 200 "))
        #expect(text.contains("content-type: video/x-flv"))
        #expect(!text.contains("content-length") && !text.contains("transfer-encoding"))
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(rig.stream.viewerCounts.httpFlv == 0)
        try await rig.worker.stop()
    }

    @Test func `A player that goes away is counted out`() async throws {
        var rig = try await Rig()
        try await rig.publish(until: 1)
        let client = try await rig.open("/live/streams/s1.flv")
        try await eventually("it is a viewer") { rig.stream.viewerCounts.httpFlv == 1 }
        client.close()
        try await eventually("it is none") { rig.stream.viewerCounts.httpFlv == 0 }
        try await rig.worker.stop()
    }

    // MARK: HLS

    @Test func `A stream that finished before anybody watched it here is read at its last owner`() async throws {
        let worker = try await TestWorker()
        var owner = NodeAddresses(host: "10.0.0.1", publicHost: "o1.example.org")
        (owner.http, owner.https) = (5080, 5443)
        worker.gate.state.withLock { $0.lastOwner = owner }
        let paths = ["s1.m3u8?token=a%2Bb", "s1_adaptive.m3u8", "s1/source-7-3.m4s"]
        for path in paths.map({ "/live/streams/\($0)" }) {
            let client = try await RawClient(port: worker.httpPort, on: worker.group)
            client.send("GET \(path) HTTP/1.1\r\nConnection: close\r\n\r\n")
            let text = try await client.textUntilClosed()
            #expect(text.hasPrefix("HTTP/1.1 307 "), "\(path)")
            #expect(text.contains("\r\nlocation: http://o1.example.org:5080\(path)\r\n"), "\(text)")
        }
        worker.gate.state.withLock { $0.lastOwner = NodeAddresses(host: "10.0.0.1") }
        let client = try await RawClient(port: worker.httpPort, on: worker.group)
        client.send("GET /live/streams/s1.m3u8 HTTP/1.1\r\nConnection: close\r\n\r\n")
        #expect(try await client.textUntilClosed().hasPrefix("HTTP/1.1 404 "))
        #expect(owner.httpOrigin(isTLS: true) == "https://o1.example.org:5443")
        try await worker.stop()
    }

    @Test func `A live stream's playlist is held until its first segment is cut`() async throws {
        var rig = try await Rig()
        try await rig.publish(until: 0.5)
        let media = try await rig.openPlaylist()
        let master = try await rig.open("/live/streams/s1_adaptive.m3u8")
        let other = try await rig.text("/livez")
        #expect(other.hasPrefix("HTTP/1.1 200 "))
        #expect(media.text.isEmpty && master.text.isEmpty)
        try await rig.publish(until: 5)
        let playlist = try await media.textUntilClosed()
        #expect(playlist.hasPrefix("HTTP/1.1 200 "))
        #expect(playlist.contains("#EXTINF:"))
        #expect(playlist.lowercased().contains("content-type: application/vnd.apple.mpegurl"))
        #expect(try await master.textUntilClosed().contains("\ns1.m3u8"))
        try await rig.worker.stop()
    }

    @Test func `Held longer than the limit, it is told to come back`() async throws {
        var options = TestWorker.Options()
        options.hls.firstSegmentTimeout = .milliseconds(10)
        var rig = try await Rig(options)
        try await rig.publish(until: 0.5)
        let text = try await rig.text("/live/streams/s1.m3u8")
        #expect(text.hasPrefix("HTTP/1.1 503 "))
        #expect(text.lowercased().contains("retry-after:"))
        try await rig.worker.stop()
    }

    @Test func `The limit is ten seconds`() { #expect(HLSLimits().firstSegmentTimeout == .seconds(10)) }

    @Test func `Objects of a playlist are immutable, and other parameters of a query change nothing`() async throws {
        var rig = try await Rig()
        try await rig.publish(until: 0.1)
        let first = try await rig.openPlaylist()
        try await rig.publish(until: 9)
        let playlist = Self.body(try await first.textUntilClosed())
        let names = HLSStreamTests.names(in: playlist)
        let segment = try #require(names.first { $0.hasSuffix(".m4s") })
        let answer = try await rig.text("/live/streams/s1/\(segment)?other=1")
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.lowercased().contains("cache-control: public, max-age=31536000, immutable"))
        let full = try await rig.text("/live/streams/s1.m3u8")
        #expect(full.lowercased().contains("cache-control: public, max-age=1\r\n"))
        #expect(try await rig.text("/live/streams/s1.m3u8?x=1&session=a") == full)
        for name in ["source-2-x.m4s", "nothing", "source-1-init9.mp4", "..%2F..%2Fetc", "source-1-0-0.m4s"] {
            #expect(try await rig.text("/live/streams/s1/\(name)").hasPrefix("HTTP/1.1 404 "), "\(name)")
        }
        try await rig.worker.stop()
    }

    @Test func `A reload waits for what it names, a delta leaves out what is known, nonsense is refused`() async throws
    {
        var settings = AppSettings()
        // Skipping begins six target durations from the end.
        settings.hlsWindowSegments = 12
        var rig = try await Rig(settings: settings)
        try await rig.publish(until: 0.1)
        let first = try await rig.openPlaylist()
        try await rig.publish(until: 27)
        _ = try await first.textUntilClosed()
        let full = Self.body(try await rig.text("/live/streams/s1.m3u8"))
        let delta = Self.body(try await rig.text("/live/streams/s1.m3u8?_HLS_skip=YES"))
        #expect(delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS="))
        #expect(delta.utf8.count < full.utf8.count)

        let oldest = try #require(
            full.split(separator: "\n").first { $0.hasPrefix("#EXT-X-MEDIA-SEQUENCE:") }
                .flatMap { Int($0.dropFirst(22)) }
        )
        let open = oldest + full.split(separator: "\n").count { $0.hasPrefix("#EXTINF") }
        let reload = try await rig.open("/live/streams/s1.m3u8?_HLS_msn=\(open)")
        for query in ["_HLS_msn=x", "_HLS_part=1", "_HLS_msn=18446744073709551615", "_HLS_msn=\(open + 9)"] {
            #expect(try await rig.text("/live/streams/s1.m3u8?\(query)").hasPrefix("HTTP/1.1 400 "), "\(query)")
        }
        #expect(reload.text.isEmpty)
        try await rig.publish(until: 29)
        #expect(Self.body(try await reload.textUntilClosed()).contains("-\(open).m4s\n"))
        try await rig.worker.stop()
    }

    @Test func `After a clean end the playlist says so and stays readable`() async throws {
        var rig = try await Rig()
        try await rig.publish(until: 0.1)
        let first = try await rig.openPlaylist()
        try await rig.publish(until: 9)
        _ = try await first.textUntilClosed()
        rig.end()
        var text = ""
        for _ in 0..<3 where !text.contains("#EXT-X-ENDLIST") { text = try await rig.text("/live/streams/s1.m3u8") }
        #expect(text.contains("#EXT-X-ENDLIST"))
        try await rig.worker.stop()
    }

    @Test func `What is sent of media is counted by protocol`() async throws {
        var rig = try await Rig()
        let meters = rig.worker.meters
        try await rig.publish(until: 0.1)
        let held = try await rig.openPlaylist()
        try await rig.publish(until: 9)
        let playlist = try await held.textUntilClosed()
        let segment = try #require(HLSStreamTests.names(in: playlist).first { $0.hasSuffix(".m4s") })
        let before = meters.hls.totalBytes
        #expect(before == Self.body(playlist).utf8.count)

        let object = "/live/streams/s1/\(segment)"
        let size = try await rig.bodyBytes(object)
        #expect(size > 1000 && meters.hls.totalBytes == before + size && meters.dash.totalBytes == 0)
        #expect(try await rig.bodyBytes(object, method: "HEAD") == 0)
        #expect(meters.hls.totalBytes == before + size)

        let description = try await rig.text("/live/streams/s1/s1.mpd")
        let read = meters.dash.totalBytes
        #expect(read == Self.body(description).utf8.count)
        let pictures = try #require(HLSStreamTests.segments(in: description).first)
        let part = try await rig.bodyBytes("/live/streams/s1/\(pictures)")
        #expect(part > 1000 && part < size && meters.dash.totalBytes == read + part)
        #expect(meters.hls.totalBytes == before + size)
        try await rig.worker.stop()
    }

    @Test func `What is sent of a recording is counted, and what is not read is not`() async throws {
        let worker = try await TestWorker()
        let size = 48 << 20
        let folder = worker.state.recordings
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(count: size).write(to: URL(filePath: "\(folder)/live-s1.mp4"))
        let part = try await RawClient(port: worker.httpPort, on: worker.group)
        part.send("GET /live/streams/s1.mp4 HTTP/1.1\r\nRange: bytes=5-300004\r\nConnection: close\r\n\r\n")
        _ = try await part.bytesUntilClosed()
        #expect(worker.meters.recordings.totalBytes == 300_000)

        let idle = try await RawClient(port: worker.httpPort, on: worker.group)
        await idle.stopReading()
        idle.send("GET /live/streams/s1.mp4 HTTP/1.1\r\n\r\n")
        try await eventually("some of it is sent") { worker.meters.recordings.totalBytes > 300_000 }
        idle.close()
        try await worker.stop()
        #expect(worker.meters.recordings.totalBytes < size)
    }

    @Test func `Made-up segment numbers do not count as viewers, nor hide those who are`() async throws {
        var rig = try await Rig()
        try await rig.publish(until: 0.1)
        let first = try await rig.openPlaylist()
        try await rig.publish(until: 9)
        let playlist = Self.body(try await first.textUntilClosed())
        let names = HLSStreamTests.names(in: playlist).filter { $0.hasSuffix(".m4s") && !$0.dropLast(4).contains(".") }
        let newest = try #require(names.last)
        for name in ["source-1-18446744073709551615.m4s", "source-1-9999999.m4s", "source-9-1.m4s"] {
            let client = try await rig.open("/live/streams/s1/\(name)")
            _ = try await rig.text("/live/streams/s1.m3u8")
            client.close()
        }
        _ = try await rig.text("/live/streams/s1/\(newest)")
        let counted = rig.worker.hls.segmentFetches(of: rig.stream.id)
        #expect(counted.map { "source-1-\($0.sequence).m4s" } == [newest])
        #expect(counted.map(\.hls) == [1])
        try await rig.worker.stop()
    }
}
