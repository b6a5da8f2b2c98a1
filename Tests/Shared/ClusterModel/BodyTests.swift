import ClusterModel
import Foundation
import Testing
import Timebase

/// Bodies as the REST interface promises them: what others write is read, and what is written has the promised fields.
@Suite struct BodyTests {
    private func decode<Body: Decodable>(_ text: String, as: Body.Type = Body.self) throws -> Body {
        try JSONDecoder().decode(Body.self, from: Data(text.utf8))
    }

    private func fields(_ body: some Encodable) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(body)) as? [String: Any])
    }

    @Test func `a registration is read, also without what may be missing and with what is unknown`() throws {
        let full: NodeRegistration = try decode(
            """
            {"bootId":"0192f","role":"edge","group":"region2","version":"0.1.0","addresses":{"host":"10.0.2.21",
            "publicHost":"e21.example.org","http":5080,"https":5443,"rtmp":1935,"relay":5000,"srt":4200,"webrtc":50000},
            "capacity":{"cores":8,"egressBitsPerSecond":5000000000,"viewers":3000,"publishers":500},"later":{"x":[1]}}
            """
        )
        #expect(full.role == .edge && full.addresses.clientHost == "e21.example.org" && full.addresses.relay == 5000)
        #expect(
            full.capacity == NodeCapacity(cores: 8, egressBitsPerSecond: 5_000_000_000, viewers: 3000, publishers: 500)
        )
        let least: NodeRegistration = try decode(
            #"{"bootId":"b","role":"hybrid","group":"default","version":"0.1.0","addresses":{"host":"10.0.2.21"}}"#
        )
        #expect(least.addresses.clientHost == "10.0.2.21" && least.addresses.http == nil && least.capacity == nil)
    }

    @Test func `a heartbeat is read, and its fewest fields are its boot`() throws {
        let full: Heartbeat = try decode(
            """
            {"bootId":"0192f","load":{"cpu":0.31,"memory":0.22,"egressBitsPerSecond":812000000,"publishers":0,
            "viewers":{"rtmp":3,"httpFlv":200,"hls":0,"dash":0,"webrtc":0,"srt":0},"encoderQueueDepth":0},
            "holds":[{"app":"live","id":"s1","epoch":1763689000123,
            "next":{"sequence":812,"discontinuity":0,"mediaTime":1624.0}}],
            "pulls":[{"app":"live","id":"s1","epoch":1763689000123,"from":"origin1"}],"sessions":203}
            """
        )
        #expect(full.load.cpu == 0.31 && full.load.viewers.total == 203 && full.sessions == 203)
        #expect(full.holds.first?.next == StreamPosition(sequence: 812, discontinuity: 0, mediaTime: 1624))
        #expect(full.pulls == [Pull(app: "live", id: "s1", epoch: 1_763_689_000_123, from: "origin1")])
        let least: Heartbeat = try decode(#"{"bootId":"b"}"#)
        #expect(least == Heartbeat(bootId: "b", load: NodeLoad()))
    }

    @Test func `a grant is read with and without a place to resume, and with no settings but the defaults`() throws {
        let grant: ClaimGrant = try decode(
            """
            {"app":"live","id":"s1","nodeId":"origin1","epoch":1763689000123,"leaseSeconds":20,
            "resume":{"sequence":812,"discontinuity":1,"mediaTime":1624.0},"appSettings":{}}
            """
        )
        #expect(grant.resume?.discontinuity == 1 && grant.appSettings == AppSettings())
        let first: ClaimGrant = try decode(
            #"{"app":"live","id":"s1","nodeId":"o","epoch":1,"leaseSeconds":20,"appSettings":{"publisherGrace":3}}"#
        )
        #expect(first.resume == nil && first.appSettings.publisherGrace == 3 && first.appSettings.pullLinger == 10)
    }

    @Test func `a route's answer is read`() throws {
        let answer: RouteAnswer = try decode(
            """
            {"epoch":7,"parent":{"nodeId":"edge21","host":"10.0.2.21","relay":5000},"tier":"secondary",
            "secondaryForGroup":false,"ticket":"t","revision":4713}
            """
        )
        #expect(answer.tier == .secondary && answer.parent.host == "10.0.2.21")
    }

    @Test func `viewers are written with their total, whatever total was read`() throws {
        let counts: ViewerCounts = try decode(#"{"rtmp":2,"srt":1,"total":99}"#)
        let fields = try fields(counts)
        #expect(fields["total"] as? Int == 3)
        #expect(Set(fields.keys) == ["rtmp", "httpFlv", "hls", "dash", "webrtc", "srt", "total"])
    }

    @Test func `numbers that a broken node sends are cut to what can be summed and counted on`() throws {
        let most = "\(Int.max)"
        let counts: ViewerCounts = try decode(#"{"rtmp":\#(most),"httpFlv":\#(most),"hls":-5}"#)
        #expect(counts.rtmp == ViewerCounts.countMax && counts.hls == 0)
        #expect((counts + counts).total == 4 * ViewerCounts.countMax)
        let fetches: SegmentFetches = try decode(#"{"sequence":1,"hls":\#(most),"dash":-1}"#)
        #expect(fetches.hls == ViewerCounts.countMax && fetches.dash == 0)
        let position: StreamPosition = try decode(
            #"{"sequence":\#(UInt64.max),"discontinuity":\#(UInt64.max),"mediaTime":1e300}"#
        )
        #expect(position.sequence == StreamPosition.numberMax && position.discontinuity == StreamPosition.numberMax)
    }

    @Test func `a stream without owner says so with null`() throws {
        let stream = StreamResource(
            app: "live",
            id: "s1",
            status: .finished,
            epoch: 1,
            originNodeId: nil,
            startedAt: WallTime(milliseconds: 0),
            endedAt: nil,
            tracks: [],
            viewers: ViewerCounts(),
            relayTree: []
        )
        let fields = try fields(stream)
        #expect(fields["originNodeId"] is NSNull && fields["endedAt"] is NSNull)
        #expect(fields["startedAt"] as? String == "1970-01-01T00:00:00.000Z")
        #expect(try decode(String(decoding: JSONEncoder().encode(stream), as: UTF8.self)) == stream)
    }

    @Test func `the last page of a list says so with null`() throws {
        #expect(try fields(Page(items: [1], nextCursor: nil))["nextCursor"] is NSNull)
    }

    @Test func `a problem's kind is the last word of its type`() throws {
        for kind in Problem.Kind.allCases {
            #expect(Problem(kind, status: 400, title: "", detail: "").kind == kind)
        }
        let foreign: Problem = try decode(#"{"type":"about:blank","title":"t","status":500,"detail":"d"}"#)
        #expect(foreign.kind == nil)
    }

    @Test func `a time that is no time names itself`() throws {
        #expect(throws: DecodingError.self) { try decode(#"["yesterday"]"#, as: [WallTime].self) }
    }
}

@Suite struct AppSettingsTests {
    private struct Fault: Sendable {
        var name: String
        var value: Double
        var set: @Sendable (inout AppSettings, Double) -> Void
    }

    private static let faults: [Fault] = [
        Fault(name: "publisherGrace", value: -1) { $0.publisherGrace = $1 },
        Fault(name: "publisherGrace", value: 301) { $0.publisherGrace = $1 },
        Fault(name: "pullLinger", value: 3601) { $0.pullLinger = $1 },
        Fault(name: "hlsSegmentDuration", value: 0.5) { $0.hlsSegmentDuration = $1 },
        Fault(name: "hlsSegmentDuration", value: .nan) { $0.hlsSegmentDuration = $1 },
        Fault(name: "hlsPartDuration", value: 0) { $0.hlsPartDuration = $1 },
        Fault(name: "hlsPartDuration", value: .infinity) { $0.hlsPartDuration = $1 },
    ]

    @Test func `a value out of range is named with what is allowed`() {
        for fault in Self.faults {
            var settings = AppSettings()
            fault.set(&settings, fault.value)
            #expect(settings.fault?.hasPrefix("\(fault.name) is ") == true)
            #expect(settings.fault?.contains("allowed is") == true)
        }
    }

    @Test func `whole numbers have their ranges too`() {
        var settings = AppSettings()
        for window in [-1, 351] {
            settings.mergeWindowMilliseconds = window
            #expect(settings.fault?.hasPrefix("mergeWindowMilliseconds") == true)
        }
        for window in [0, 350, nil] {
            settings.mergeWindowMilliseconds = window
            #expect(settings.fault == nil)
        }
        settings.hlsWindowSegments = 2
        #expect(settings.fault == "hlsWindowSegments is 2; allowed is 3 to 3600")
        settings.hlsWindowSegments = 3
        settings.playoutDelayMaxMilliseconds = 200
        settings.playoutDelayMinMilliseconds = 201
        #expect(settings.fault == "playoutDelayMinMilliseconds is 201; allowed is 0 to 200")
        settings.playoutDelayMaxMilliseconds = 40_951
        #expect(settings.fault == "playoutDelayMaxMilliseconds is 40951; allowed is 0 to 40950")
    }

    @Test func `the defaults are allowed`() { #expect(AppSettings().fault == nil) }
}
