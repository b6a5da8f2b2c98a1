import ClusterModel
import FanOut
import Logging
import NIOCore
import NIOPosix
import SRT
import SRTServer
import Streams
import Testing

@Suite struct ScreeningTests {
    private struct Screen: StreamScreen {
        var publish: Refusal?
        var play: Refusal?

        func refusal(toPublish stream: StreamID) -> Refusal? { publish }
        func refusal(toPlay stream: StreamID) -> Refusal? { play }
    }

    private struct Gate: StreamGate {
        func publish(_: PublishRequest, on _: any EventLoop) async throws(Refusal) -> Publication { throw .draining }
        func play(_: PlayRequest) async throws(Refusal) -> LiveStream { throw .draining }
        func relay(_: StreamID, for _: String) async throws(Refusal) -> LiveStream { throw .draining }
    }

    private func service(
        _ screen: Screen,
        takesPublishers: Bool = true,
        connectionsMax: Int = 10
    ) -> SRTService {
        var limits = SRTLimits()
        limits.connectionsMax = connectionsMax
        return SRTService(
            gate: Gate(),
            screen: screen,
            outlets: SRTOutlets(meters: FanOutMeters(protocolName: "srt")),
            logger: Logger(label: "test"),
            group: MultiThreadedEventLoopGroup.singleton,
            takesPublishers: takesPublishers,
            limits: limits
        )
    }

    private func code(_ text: String, _ screen: Screen, takesPublishers: Bool = true) -> Int32? {
        service(screen, takesPublishers: takesPublishers).rejection(ofStreamID: text)?.rawValue
    }

    @Test func `who says what it wants is judged by that`() throws {
        let screen = Screen(publish: .notAnOrigin(origin: nil), play: .draining)
        #expect(code("#!::r=live/s1,m=publish", screen) == 1403)
        #expect(code("#!::r=live/s1,m=request", screen) == 1503)
        #expect(code("#!::r=live/s1,m=publish", Screen()) == nil)
    }

    @Test func `what is derived of a stream is played and never published`() throws {
        #expect(code("#!::r=live/s1~opus,m=request", Screen()) == nil)
        #expect(code("#!::r=live/s1~opus,m=publish", Screen()) == 1400)
        // Without a direction too: the one that publishers are refused for is none of its business.
        #expect(code("live/s1_240p300kbps", Screen(play: .draining)) == 1503)
    }

    @Test func `who does not say is refused only what it could not get either way`() throws {
        let stream = try StreamID(app: "live", id: "s1")
        #expect(code("live/s1", Screen(play: .unknownStream(stream))) == nil)
        #expect(code("live/s1", Screen(publish: .inUse(stream, owner: nil))) == nil)
        #expect(code("live/s1", Screen(publish: .draining, play: .draining)) == 1503)
        // An edge takes no publishers: there it is a player.
        #expect(code("live/s1", Screen(play: .unknownStream(stream)), takesPublishers: false) == 1404)
    }

    @Test(arguments: ["v1/s1", "live/s1_adaptive", "live/..", "#!::r=live/a b,m=publish"])
    func `names out of bounds are refused`(text: String) { #expect(code(text, Screen()) == 1400) }

    @Test func `a full node takes nobody`() {
        #expect(service(Screen(), connectionsMax: 0).rejection(ofStreamID: "live/s1") == .overloaded)
    }
}
