import ClusterModel
import Testing

@Suite struct NamesTests {
    private static let fine = [
        "s1", "S", "_", "-", "0", "a.b", "a..", "my-stream_2", "x720p", "x_720p", "x_p2500kbps", "x_720pkbps",
        "x_720p2500",
        "kbps", "_kbps", "adaptive", "m3u8", "a.m3u8x", "x_7a0p25kbps", String(repeating: "a", count: 128),
    ]

    @Test(arguments: fine)
    func `a name by the rules is a stream's`(name: String) throws {
        #expect(try StreamID(app: "live", id: name).description == "live/\(name)")
    }

    private static let malformed = [
        "", ".", ".a", "a/b", "a b", "ä", "a\u{0}", "a\n", "a%2F", "ａ", String(repeating: "a", count: 129),
    ]

    @Test(arguments: malformed)
    func `a name of another form is refused as app, stream, node and group`(name: String) {
        for role in [NameError.Role.app, .streamID, .nodeID, .group] {
            let error = #expect(throws: NameError.self) { try NameRules.check(name, role: role) }
            #expect(error?.rule == .form && error?.role == role)
        }
    }

    @Test(arguments: ["v1", "rest", "livez", "readyz", "metrics", "sd"])
    func `the servers' own paths are no apps, but may name a stream`(name: String) throws {
        let error = #expect(throws: NameError.self) { try StreamID(app: name, id: "s1") }
        #expect(error?.rule == .reservedApp)
        #expect(try StreamID(app: "live", id: name).id == name)
    }

    private static let endings = [
        ("x_adaptive", "_adaptive"), ("_adaptive", "_adaptive"), ("x_720p2500kbps", "_720p2500kbps"),
        ("x_1p1kbps", "_1p1kbps"), ("x.m3u8", ".m3u8"), ("x.M3U8", ".m3u8"), ("x.flv", ".flv"), ("x.mpd", ".mpd"),
        ("x.m4s", ".m4s"), ("x.mp4", ".mp4"), ("x.ts", ".ts"), ("x.html", ".html"),
    ]

    @Test(arguments: endings)
    func `an ending that names a playlist, an object or a rendition is refused`(name: String, ending: String) {
        let error = #expect(throws: NameError.self) { try StreamID(app: "live", id: name) }
        #expect(error?.rule == .reservedEnding(ending))
    }

    @Test func `a refusal quotes no more than 40 characters of the name`() throws {
        let name = String(repeating: "x", count: 5000)
        let error = try #require(#expect(throws: NameError.self) { try StreamID(app: name, id: "s1") })
        #expect(error.description.count < 200)
    }
}
