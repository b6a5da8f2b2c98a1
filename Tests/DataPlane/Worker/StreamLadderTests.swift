import ClusterModel
import MediaModel
import NIOCore
import Streams
import Synchronization
import Testing
import Worker

/// A stream with rungs of its own, beside the app's.
@Suite(.timeLimit(.minutes(1))) struct StreamLadderTests {
    private static let own = [EncoderSetting(height: 240, videoBitrate: 300_000, audioBitrate: 0)]
    private static let other = [EncoderSetting(height: 480, videoBitrate: 900_000, audioBitrate: 0)]

    private func ladder(of stream: LiveStream) async throws -> [EncoderSetting] {
        try await stream.loop.submit { stream.settings.ladder }.get()
    }

    private func change(_ node: TestNode, _ ladder: [EncoderSetting]?) -> WatchEvent.StreamChange {
        WatchEvent.StreamChange(
            app: node.id.app,
            id: node.id.id,
            epoch: 1,
            status: .broadcasting,
            originNodeId: "n1",
            encoderSettings: ladder
        )
    }

    private func app(_ ladder: [EncoderSetting], hlsSegmentDuration: Double = 2) -> AppSettings {
        var settings = AppSettings()
        (settings.encoderSettings, settings.hlsSegmentDuration) = (ladder, hlsSegmentDuration)
        return settings
    }

    @Test func `it comes with the grant, outlives changes of the app, and ends when it is taken away`() async throws {
        let node = try TestNode(role: .origin)
        node.control.state.withLock { ($0.settings, $0.ladder) = (app(Self.other), Self.own) }
        let stream = try await node.publish().stream
        #expect(try await ladder(of: stream) == Self.own)

        await node.coordinator.apply(app(Self.other, hlsSegmentDuration: 4), to: "live")
        #expect(try await ladder(of: stream) == Self.own)
        #expect(try await stream.loop.submit { stream.settings.hlsSegmentDuration }.get() == 4)

        await node.coordinator.streamChanged(change(node, []))
        #expect(try await ladder(of: stream).isEmpty, "no rungs at all")
        await node.coordinator.streamChanged(change(node, nil))
        #expect(try await ladder(of: stream) == Self.other, "the app's")
    }

    @Test func `a node that pulls is told with the route, and what is derived of the stream has it too`() async throws {
        let node = try TestNode(role: .edge)
        var route = FakeControlPlane.route(epoch: 1)
        route.encoderSettings = Self.own
        node.control.state.withLock { $0.route = route }
        let stream = try await node.play()
        #expect(try await ladder(of: stream) == Self.own)
        let rung = PlayRequest(
            stream: node.id.derived(.rung("240p300kbps")),
            protocol: .rtmp,
            remoteAddress: nil,
            token: nil
        )
        let derived = try await node.coordinator.play(rung)
        await node.coordinator.streamChanged(change(node, Self.other))
        for stream in [stream, derived] { #expect(try await ladder(of: stream) == Self.other) }
    }

    @Test func `a restarted node knows it while nobody can be asked`() async throws {
        var route = FakeControlPlane.route(epoch: 7)
        route.encoderSettings = Self.own
        var known = KnownMap()
        known.remember(route, to: try StreamID(app: "live", id: "s1"))
        known.remember(ladder: Self.other, of: try StreamID(app: "live", id: "s1"))
        let node = try TestNode(role: .edge, known: known)
        node.control.state.withLock { $0.isAway = true }
        #expect(try await ladder(of: try await node.play()) == Self.other)
    }

    @Test func `news of a stream that is not here is not kept`() async throws {
        let node = try TestNode(role: .origin)
        await node.coordinator.streamChanged(change(node, Self.own))
        let stream = try await node.publish().stream
        #expect(try await ladder(of: stream).isEmpty)
    }
}
