import ClusterModel
import SRT
import SRTServer
import Streams
import Testing

@Suite struct SRTStreamIDTests {
    static let vectors: [(String, SRTStreamID)] = [
        ("live/s1", SRTStreamID(app: "live", name: "s1", mode: .undecided)),
        ("/live/s1", SRTStreamID(app: "live", name: "s1", mode: .undecided)),
        ("live/s1?token=a.b-c", SRTStreamID(app: "live", name: "s1", mode: .undecided, token: "a.b-c")),
        ("live/s1,subscriberId=x,token=T", SRTStreamID(app: "live", name: "s1", mode: .undecided, token: "T")),
        ("#!::r=live/s1,m=publish", SRTStreamID(app: "live", name: "s1", mode: .publish)),
        ("#!::m=request,r=/live/s1", SRTStreamID(app: "live", name: "s1", mode: .request)),
        // The guideline's default.
        ("#!::r=live/s1", SRTStreamID(app: "live", name: "s1", mode: .request)),
        (
            "#!::u=admin,h=host,s=1,t=stream,r=live/s1,m=publish,token=x=y",
            SRTStreamID(app: "live", name: "s1", mode: .publish, token: "x=y")
        ),
        ("#!::r=live/s1?token=q,m=publish", SRTStreamID(app: "live", name: "s1", mode: .publish, token: "q")),
    ]

    @Test(arguments: vectors) func `both forms are read`(text: String, expected: SRTStreamID) throws {
        #expect(try SRTStreamID(parsing: text) == expected)
    }

    static let faults: [(String, SRTStreamIDError, Int32)] = [
        ("", .noResource, 1400),
        ("live", .noResource, 1400),
        ("//s1", .noResource, 1400),
        ("live/", .noResource, 1400),
        ("a/b/c", .noResource, 1400),
        ("?token=x", .noResource, 1400),
        ("#!::", .noResource, 1400),
        ("#!::m=publish", .noResource, 1400),
        ("#!::r=live/s1,publish", .malformed("publish"), 1400),
        ("#!::r=live/s1,m=bidirectional", .unsupportedMode("bidirectional"), 1405),
        ("#!::r=live/s1,t=file", .unsupportedType("file"), 1415),
        (String(repeating: "a", count: 513), .tooLong, 1400),
    ]

    @Test(arguments: faults) func `what cannot be served is refused by its code`(
        text: String,
        error: SRTStreamIDError,
        code: Int32
    ) {
        #expect(throws: error) { try SRTStreamID(parsing: text) }
        #expect(error.rejection.rawValue == code)
    }

    @Test func `each refusal has the code that clients were promised`() throws {
        let stream = try StreamID(app: "live", id: "s1")
        let codes: [(Refusal, Int32)] = [
            (.unknownStream(stream), 1404), (.inUse(stream, owner: nil), 1409), (.notAnOrigin(origin: nil), 1403),
            (.notAnEdge, 1403), (.unauthorized("x"), 1401), (.forbidden("x"), 1403), (.overloaded("x"), 1402),
            (.draining, 1503), (.unavailable("x"), 1503),
        ]
        for (refusal, code) in codes { #expect(refusal.srtRejection.rawValue == code, "\(refusal)") }
    }
}
