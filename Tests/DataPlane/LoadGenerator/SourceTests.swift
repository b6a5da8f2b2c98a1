import LoadGenerator
import NIOCore
import Testing

@Suite struct PlayTargetTests {
    @Test(arguments: [
        ("rtmp://h/live/s1", "h", 1935, "/live/s1", ""),
        ("rtmp://127.0.0.1:19/live/s1?token=a/b", "127.0.0.1", 19, "/live/s1", "token=a/b"),
        ("http://[::1]:8080/live/streams/s1.flv", "::1", 8080, "/live/streams/s1.flv", ""),
    ])
    func `URLs are taken apart`(url: String, host: String, port: Int, path: String, query: String) throws {
        let target = try PlayTarget(url)
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.path == path)
        #expect(target.query == query)
    }

    @Test(arguments: [
        ("http://o1:5080/live/whip/s1?token=t", "o1", 5080), ("/live/whip/s1?token=t", "e1", 81),
    ])
    func `a redirect leads to another host, or to another path`(place: String, host: String, port: Int) throws {
        let target = try PlayTarget("http://e1:81/live/whip/s2").moved(to: place)
        #expect(target.host == host && target.port == port && target.path == "/live/whip/s1")
        #expect(target.query == "token=t")
    }

    @Test(arguments: [
        "", "live/s1", "rtmp://h", "srt://h/live/s1", "rtmp://h:x/live/s1", "http://:80/x", "http://h:0/x",
    ])
    func `URLs that cannot be played are refused`(url: String) {
        #expect(throws: PlayTarget.BadURL.self) { try PlayTarget(url) }
    }
}

@Suite struct ClipTests {
    static func tag(_ type: UInt8, _ timestamp: UInt8, _ body: [UInt8]) -> [UInt8] {
        [type, 0, 0, UInt8(body.count), 0, 0, timestamp, 0, 0, 0, 0] + body + [0, 0, 0, UInt8(body.count + 11)]
    }

    @Test func `a clip lasts until a frame after its last frame`() throws {
        let header: [UInt8] = [0x46, 0x4C, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]
        let frames = [0, 33, 67, 100].flatMap { Self.tag(9, 50 + $0, [0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41]) }
        let wire = header + Self.tag(9, 0, [0x17, 0, 0, 0, 0, 1]) + frames
        #expect(try Clip(ByteBuffer(bytes: wire)).durationMilliseconds == 133)
    }

    @Test func `a file that is not FLV is refused`() {
        #expect(throws: (any Error).self) { try Clip(ByteBuffer(string: "RIFF and so on and on")) }
    }
}

@Suite struct ProcessFiguresTests {
    @Test func `times and pages are found behind a name with spaces and brackets`() throws {
        let stat = "12 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 100 200 300"
        let usage = try #require(ProcessFigures.parse(stat: stat, statm: "1000 321 5 6 0 7 0"))
        #expect(usage.ticks == 300)
        #expect(usage.pages == 321)
        #expect(ProcessFigures.parse(stat: "12 (x) S", statm: "1") == nil)
    }
}
