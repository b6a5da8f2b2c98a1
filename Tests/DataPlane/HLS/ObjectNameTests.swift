import HLS
import MediaModel
import Testing

@Suite struct ObjectNameTests {
    @Test(arguments: [
        ("source-1763689000123-812.m4s", ObjectName.Kind.segment(812)),
        ("source-1763689000123-812.0.m4s", .part(812, 0)),
        ("source-1763689000123-812.13.m4s", .part(812, 13)),
        ("source-1763689000123-812.ts", .segment(812)),
        ("source-1763689000123-812.13.ts", .part(812, 13)),
        ("source-1763689000123-init4.mp4", .initialization(4)),
    ])
    func `names are read and written alike`(text: String, kind: ObjectName.Kind) {
        let container: SegmentContainer = text.hasSuffix(".ts") ? .transportStream : .fragmentedMP4
        let name = ObjectName(
            rendition: "source",
            epoch: Epoch(1_763_689_000_123),
            kind: kind,
            container: container
        )
        #expect(ObjectName(text) == name)
        #expect(name.description == text)
    }

    @Test(arguments: [
        "", "source", "source-1", "source-1-2", "source-1-2.mp4", "source-1-02.m4s", "source-01-2.m4s",
        "source-+1-2.m4s",
        "source--1-2.m4s", "source-1-2.3.4.m4s", "source-1-.m4s", "source-1-2..m4s", "source-1-2.3.m4s ", "-1-2.m4s",
        "so/urce-1-2.m4s", "../source-1-2.m4s", "source-1-init.mp4", "source-1-init01.mp4", "source-1-init1.m4s",
        "source-1-init1.ts", "source-1-2.TS",
        "source-99999999999999999999-2.m4s", "source-1-99999999999999999999.m4s", "source-1-2.99999999999.m4s",
        "source-1-2.m4s-3", "söurce-1-2.m4s", "source-1-٣.m4s", "source-1-2.M4S",
    ])
    func `any other spelling is no name`(text: String) {
        #expect(ObjectName(text) == nil)
    }

    @Test func `a name of unreasonable length is no name`() {
        #expect(ObjectName(String(repeating: "a", count: 5000) + "-1-2.m4s") == nil)
    }
}
