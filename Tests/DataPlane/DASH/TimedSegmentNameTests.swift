import DASH
import HLS
import MediaModel
import Testing
import Timebase

@Suite struct TimedSegmentNameTests {
    @Test func `a name says rendition, component, epoch and time, and the object behind it the number instead`() throws
    {
        let name = try #require(TimedSegmentName("240p300kbps_video-17-t540000.m4s"))
        #expect(name.rendition == "240p300kbps" && name.component == .video)
        #expect(name.epoch == Epoch(17) && name.time == MediaTime(seconds: 6))
        #expect(name.object(3).description == "240p300kbps_video-17-3.m4s")
        #expect(name.object(3).component?.whole.description == "240p300kbps-17-3.m4s")
    }

    /// Another spelling would be another entry of a cache.
    @Test(arguments: [
        "", "source_video-17-540000.m4s", "source-17-t540000.m4s", "_video-17-t0.m4s", "source_video-17-t.m4s",
        "source_video-17-t-1.m4s", "source_video-17-t+1.m4s", "source_video-17-t01.m4s", "source_video-017-t1.m4s",
        "source_video--1-t1.m4s", "source_video-17-t1.ts", "source_video-17-t1.0.m4s", "a-source_video-17-t1.m4s",
        "source_text-17-t1.m4s", "source_video-17-t9223372036854775807.m4s", "source_video-17-T1.m4s",
        "source_video-17-t1.m4s/", String(repeating: "a", count: 300) + "_video-17-t1.m4s",
    ])
    func `what no description says is no name`(text: String) {
        #expect(TimedSegmentName(text[...]) == nil)
    }
}
