import OutsideLinks
import Testing

struct HLSSourceTests {
    @Test func `segments have their numbers and initialization sections`() throws {
        let text = """
            #EXTM3U
            #EXT-X-TARGETDURATION:4
            #EXT-X-MEDIA-SEQUENCE:17
            #EXT-X-MAP:URI="init0.mp4"
            #EXTINF:4.0,
            a.m4s
            #EXT-X-PART:DURATION=0.2,URI="b.0.m4s"
            #EXT-X-DISCONTINUITY
            #EXT-X-MAP:URI="init1.mp4",X="BYTERANGE=1"
            #EXTINF:3.5,
            b.m4s
            #EXT-X-PRELOAD-HINT:TYPE=PART,URI="c.0.m4s"
            """
        let media = HLSSource.Media(
            targetDuration: 4,
            segments: [
                .init(sequence: 17, uri: "a.m4s", map: "init0.mp4"),
                .init(sequence: 18, uri: "b.m4s", map: "init1.mp4"),
            ],
            isEnded: false
        )
        #expect(try HLSSource(parsing: text) == .media(media))
        #expect(try HLSSource(parsing: text.replacing("\n", with: "\r\n")) == .media(media))
    }

    @Test func `the variant with the highest bandwidth is chosen`() throws {
        let text = """
            #EXTM3U
            #EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=9000000,BANDWIDTH=300000,CODECS="avc1.4d401f,mp4a.40.2"
            low.m3u8
            #EXT-X-STREAM-INF:CODECS="a,BANDWIDTH=1",BANDWIDTH=2500000
            high.m3u8
            """
        #expect(try HLSSource(parsing: text) == .variants(best: .init(uri: "high.m3u8")))
    }

    @Test(arguments: [
        (#"NAME="en",URI="en.m3u8""#, nil as String?, "en.m3u8" as String?),
        (#"NAME="en",URI="en.m3u8""#, #"NAME="de",DEFAULT=YES,URI="de.m3u8""#, "de.m3u8"),
        (#"NAME="en",URI="en.m3u8""#, #"NAME="de",DEFAULT=YES"#, nil), (#"NAME="en""#, nil, nil),
    ])
    func `the sound that a variant has apart is the one its group chooses`(
        first: String,
        second: String?,
        sound: String?
    ) throws {
        let sounds = [first, second].compactMap(\.self).map { #"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a","# + $0 }
        let text = """
            #EXTM3U
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="b",NAME="other",DEFAULT=YES,URI="other.m3u8"
            #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="a",NAME="en",URI="text.m3u8"
            \(sounds.joined(separator: "\n"))
            #EXT-X-STREAM-INF:BANDWIDTH=2500000,AUDIO="a"
            high.m3u8
            """
        #expect(try HLSSource(parsing: text) == .variants(best: .init(uri: "high.m3u8", soundURI: sound)))
    }

    @Test(arguments: [
        ("<html>", HLSSource.Fault.noPlaylist), ("", .noPlaylist), ("#EXTM3U\n#EXT-X-STREAM-INF:X=1", .noPlaylist),
        ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\na.ts", .encrypted),
        ("#EXTM3U\n#EXT-X-BYTERANGE:100@0\na.ts", .byteRanges),
        ("#EXTM3U\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"100@0\"\na.m4s", .byteRanges),
    ])
    func `what is not understood is refused with the reason`(text: String, fault: HLSSource.Fault) {
        #expect(throws: fault) { try HLSSource(parsing: text) }
    }

    @Test(arguments: [
        ("b.m4s", "http://h:1/a/p.m3u8", "http://h:1/a/b.m4s"),
        ("/b.m4s", "http://h:1/a/p.m3u8?x=/", "http://h:1/b.m4s"),
        ("//g/b", "https://h/a", "https://g/b"), ("http://g/b", "http://h/a", "http://g/b"),
        ("b", "http://h", "http://h/b"),
    ])
    func `references are read as they stand in their playlist`(reference: String, base: String, whole: String) {
        #expect(HLSSource.resolve(reference, against: base) == whole)
    }
}
