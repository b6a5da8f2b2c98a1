import LoadGenerator
import Testing

@Suite struct PlaylistTests {
    static let lowLatency = Playlist(
        """
        #EXTM3U
        #EXT-X-VERSION:9
        #EXT-X-TARGETDURATION:2
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0
        #EXT-X-PART-INF:PART-TARGET=0.20000
        #EXT-X-MEDIA-SEQUENCE:41
        #EXT-X-MAP:URI="s/source-7-init0.mp4?a=1,2"
        #EXT-X-PART:DURATION=0.20000,URI="s/source-7-41.0.m4s",INDEPENDENT=YES
        #EXT-X-PART:DURATION=0.19800,URI="s/source-7-41.1.m4s"
        #EXTINF:0.39800,
        s/source-7-41.m4s
        #EXT-X-PART:DURATION=0.20000,URI="s/source-7-42.0.m4s",INDEPENDENT=YES
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI="s/source-7-42.1.m4s"
        """
    )

    @Test func `parts have their places, the hint is not one of them`() {
        let playlist = Self.lowLatency
        #expect(playlist.objects.map(\.sequence) == [41, 41, 42])
        #expect(playlist.objects.map(\.part) == [0, 1, 0])
        #expect(playlist.objects.map(\.isIndependent) == [true, false, true])
        #expect(playlist.objects[1].durationSeconds == 0.198)
        #expect(playlist.map == "s/source-7-init0.mp4?a=1,2")
        #expect(playlist.canBlockReload)
        #expect(!playlist.isEnded)
    }

    static let places: [(Int64, Int, [Int?], Bool)] = [
        (41, 0, [1, 0], false),
        (41, 1, [0], false),
        (42, 0, [], false),
        (40, 9, [0, 1, 0], false),
        (39, 9, [0, 1, 0], true),
    ]

    @Test(arguments: places)
    func `what comes next is told from what is missing`(sequence: Int64, part: Int, next: [Int?], hasGap: Bool) {
        let last = Playlist.Object(
            sequence: sequence,
            part: part,
            uri: "",
            durationSeconds: 0.2,
            isIndependent: false
        )
        let answer = Self.lowLatency.objects(after: last)
        #expect(answer.next.map(\.part) == next)
        #expect(answer.hasGap == hasGap)
    }

    @Test func `without parts there are segments, and an end`() {
        let playlist = Playlist("#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXTINF:4.0,\r\na.ts\r\n#EXT-X-ENDLIST\r\n")
        #expect(playlist.objects.map(\.uri) == ["a.ts"])
        #expect(playlist.targetDurationSeconds == 4)
        #expect(playlist.isEnded)
    }

    @Test func `a multivariant playlist names another`() {
        let playlist = Playlist(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb.m3u8\n"
        )
        #expect(playlist.variant == "a.m3u8")
    }
}
