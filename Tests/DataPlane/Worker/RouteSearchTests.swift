import ClusterModel
import MediaModel
import Relay
import RelayService
import Streams
import Testing
import Timebase
import Worker

@Suite struct RouteSearchTests {
    static let start = MonotonicInstant(nanoseconds: 0)
    let stream: StreamID
    var search = RouteSearch(startedAt: Self.start, grace: .seconds(15))

    init() throws { stream = try StreamID(app: "live", id: "s1") }

    mutating func ended(
        _ end: PullEnd,
        _ parent: String = "o1",
        isLive: Bool = true,
        wasFed: Bool = true,
        seconds: Double = 0
    ) -> StreamCoordinator.PullOutcome {
        let now = Self.start + .milliseconds(Int64(seconds * 1000))
        return search.pullEnded(
            end,
            route: FakeControlPlane.route(epoch: 1, parent: parent),
            stream: stream,
            isLive: isLive,
            wasFed: wasFed,
            at: now
        )
    }

    /// Also one that has players: for them nothing is better than waiting.
    @Test(arguments: [false, true])
    mutating func `A rendition that cannot be made for now ends the search, with the reason`(isLive: Bool) {
        let refusal = PullEnd.refused(RelayRefusal(.notMade, "no encoder"))
        #expect(ended(refusal, isLive: isLive, wasFed: false) == .over(.notMade("no encoder"), .removed))
    }

    @Test mutating func `A rendition that its owner ends may be asked for again at once, to learn why`() {
        let rung = stream.derived(.rung("240p300kbps"))
        let route = FakeControlPlane.route(epoch: 1, parent: "o1")
        for (route, refusal) in [
            (route, Refusal.unavailable("the rendition is not made any more")), (nil, .unknownStream(rung)),
        ] {
            let outcome = search.pullEnded(
                .ended(.removed),
                route: route,
                stream: rung,
                isLive: true,
                wasFed: true,
                at: Self.start
            )
            #expect(outcome == .over(refusal, .removed))
        }
    }

    /// Each of them waits for somebody too: only the parent that fed this node last is none of them.
    @Test mutating func `Three peers in a row that wait themselves are a dead end`() {
        let waits = PullEnd.refused(RelayRefusal(.unavailable, "it waits itself"))
        var ends: [Bool] = []
        for parent in ["e1", "e2", "e3"] {
            _ = search.pullEnded(
                waits,
                route: FakeControlPlane.route(epoch: 1, parent: parent, tier: .peer),
                stream: stream,
                isLive: true,
                wasFed: false,
                at: Self.start
            )
            ends.append(search.takeDeadEnd())
        }
        #expect(ends == [false, false, true])
    }

    @Test mutating func `Only the end of its own patience is a giving up`() {
        _ = ended(.lost("reset"), wasFed: false)
        #expect(!search.hasGivenUp)
        #expect(
            ended(.lost("reset"), wasFed: false, seconds: 17)
                == .over(
                    .unavailable("no parent gave the stream in time"),
                    .publisherLost
                )
        )
        #expect(search.hasGivenUp)
    }

    @Test(arguments: [
        (EndReason.unpublished, EndReason.unpublished), (.publisherLost, .publisherLost), (.removed, .removed),
    ])
    mutating func `What the owner ended is over here too`(reason: EndReason, passedOn: EndReason) {
        #expect(ended(.ended(reason)) == .over(.unknownStream(stream), passedOn))
    }

    @Test mutating func `A new owner is sought at once, and the old one may be asked again`() {
        #expect(ended(.ended(.fenced(Epoch(2)))) == .retry(.zero))
        #expect(search.failed(at: Self.start).isEmpty)
    }

    @Test mutating func `A draining parent is left at once and named to the control plane`() {
        #expect(ended(.ended(.draining), "e7") == .retry(.zero))
        #expect(search.failed(at: Self.start) == ["e7"])
    }

    @Test mutating func `A parent that only says the stream has moved is not asked without pause`() {
        #expect(ended(.ended(.fenced(Epoch(2))), wasFed: false) == .retry(.zero))
        #expect(ended(.ended(.fenced(Epoch(2))), wasFed: false) != .retry(.zero))
    }

    @Test mutating func `Parents that fail in a row are asked ever slower`() {
        var delays: [Duration] = []
        for _ in 0..<6 {
            guard case .retry(let delay) = ended(.lost("x"), wasFed: false) else { continue }
            delays.append(delay)
        }
        #expect(delays == [50, 150, 400, 800, 800, 800].map { .milliseconds($0) })
    }

    @Test mutating func `A parent that refuses again and again does not keep a dead stream alive`() {
        let refusal = PullEnd.refused(RelayRefusal(.unavailable, "no"))
        #expect(ended(.lost("x"), seconds: 100) == .retry(.milliseconds(50)))
        guard case .retry = ended(refusal, wasFed: false, seconds: 116) else {
            Issue.record("given up within the grace")
            return
        }
        guard case .over(_, .publisherLost) = ended(refusal, wasFed: false, seconds: 116.1) else {
            Issue.record("still sought after the grace")
            return
        }
    }

    @Test mutating func `Media in between gives the search a new start`() {
        _ = ended(.lost("x"), seconds: 100)
        #expect(ended(.lost("x"), wasFed: true, seconds: 200) == .retry(.milliseconds(50)))
    }

    @Test mutating func `A lost stream without a route is kept for the grace and not longer`() {
        _ = ended(.lost("x"), seconds: 100)
        let none = Refusal.unknownStream(stream)
        #expect(search.noRoute(none, isLive: true, at: Self.start + .seconds(116)) != .over(none, .publisherLost))
        #expect(search.noRoute(none, isLive: true, at: Self.start + .seconds(117)) == .over(none, .publisherLost))
    }

    @Test mutating func `A stream nobody ever had is refused at once, but an absent control plane is asked for 8 s`() {
        let none = Refusal.unknownStream(stream)
        #expect(search.noRoute(none, isLive: false, at: Self.start) == .over(none, .removed))
        let away = Refusal.unavailable("no answer")
        #expect(search.noRoute(away, isLive: false, at: Self.start + .seconds(7)) == .retry(.milliseconds(50)))
        #expect(search.noRoute(away, isLive: false, at: Self.start + .seconds(8)) == .over(away, .removed))
    }

    @Test mutating func `Sixteen failed parents are named, the oldest forgotten`() {
        for number in 0..<20 { _ = ended(.lost("x"), "e\(number)", wasFed: false) }
        #expect(search.failed(at: Self.start) == (4..<20).map { "e\($0)" })
    }

    @Test mutating func `A failed parent is named for 10 s, and not once a new owner has the stream`() {
        _ = ended(.lost("x"), "e7")
        #expect(search.failed(at: Self.start + .milliseconds(9_999)) == ["e7"])
        #expect(search.failed(at: Self.start + .seconds(10)).isEmpty)
        #expect(search.failed(since: 2, at: Self.start).isEmpty)
    }

    @Test mutating func `An owner that has nothing to give yet is not named as failed`() {
        for code in [RelayRefusal.Code.unknownStream, .unavailable] {
            _ = ended(.refused(RelayRefusal(code, "not yet")), "o1")
        }
        #expect(search.failed(at: Self.start).isEmpty)
        _ = ended(.refused(RelayRefusal(.overloaded, "full")), "o1")
        #expect(search.failed(at: Self.start) == ["o1"])
    }
}
