import HLS
import MediaModel
import Testing
import Timebase

@Suite struct BlockingReloadTests {
    /// Segments 4 and 5 complete, 5 with two parts; of 6 there is one part.
    static let window = SegmentWindow(index: MediaPlaylistTests.index)
    static let wait = BlockingReload.Decision.wait(atMost: .seconds(6))

    @Test(
        arguments: [
            ("", .answer),
            ("token=x&foo=1", .answer),
            ("_HLS_skip=YES", .answer),
            ("_HLS_msn=3", .answer),
            ("_HLS_msn=5", .answer),
            ("_HLS_msn=5&_HLS_part=1", .answer),
            // Beyond the last part of 5 means part 0 of 6, which is there.
            ("_HLS_msn=5&_HLS_part=2", .answer),
            ("_HLS_msn=6&_HLS_part=0", .answer),
            ("_HLS_msn=6&_HLS_part=1", wait),
            ("_HLS_msn=6", wait),
            ("_HLS_msn=7&_HLS_part=0", wait),
            ("_HLS_msn=7", wait),
            ("_HLS_msn=8", .refuseTooFarAhead),
            ("_HLS_msn=18446744073709551615", .refuseTooFarAhead),
        ] as [(String, BlockingReload.Decision)]
    )
    func `a request is answered when the playlist has what it names`(query: String, decision: BlockingReload.Decision)
        throws
    {
        #expect(try BlockingReload(query: query).decide(Self.window) == decision)
    }

    @Test(arguments: [
        "_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=1.5", "_HLS_msn=18446744073709551616", "_HLS_msn=5&_HLS_part=x",
    ])
    func `directives that are no numbers are refused`(query: String) {
        #expect(throws: BlockingReload.Failure.self) { try BlockingReload(query: query) }
    }

    @Test func `a part without its segment is refused`() {
        #expect(throws: BlockingReload.Failure.partWithoutSequence) { try BlockingReload(query: "_HLS_part=1") }
    }

    @Test func `a part beyond the last of a segment waits for the next segment's first`() throws {
        var index = MediaPlaylistTests.index
        index.open?.parts = []
        let reload = try BlockingReload(query: "_HLS_msn=5&_HLS_part=2")
        #expect(reload.decide(SegmentWindow(index: index)) == Self.wait)
    }

    @Test func `a window of one segment is given to whoever wants what is in it, others wait a little for the next`()
        throws
    {
        var index = MediaPlaylistTests.index
        index.segments.removeFirst(index.segments.count - 1)
        func decide(_ query: String) throws -> BlockingReload.Decision {
            try BlockingReload(query: query).decide(SegmentWindow(index: index))
        }
        #expect(try decide("token=x") == .linger(atMost: .seconds(2)))
        #expect(try decide("_HLS_msn=5") == .answer && decide("_HLS_msn=6") == Self.wait)
        index.segments[0].isDiscontinuous = true
        #expect(try decide("token=x") == .answer)
        index.segments[0].isDiscontinuous = false
        index.isEnded = true
        #expect(try decide("token=x") == .answer)
    }

    @Test func `nobody waits for a stream that has ended`() throws {
        var index = MediaPlaylistTests.index
        index.isEnded = true
        #expect(try BlockingReload(query: "_HLS_msn=900").decide(SegmentWindow(index: index)) == .answer)
    }
}
