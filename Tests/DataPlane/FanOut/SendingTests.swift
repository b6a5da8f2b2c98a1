import ClusterModel
import FanOut
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

/// When frames leave, and what is counted of it.
@Suite struct SendingTests {
    private static func settings(mergeWindowMilliseconds: Int?) -> AppSettings {
        var settings = AppSettings()
        settings.mergeWindowMilliseconds = mergeWindowMilliseconds
        return settings
    }

    @Test func `a merge window holds frames until it is over and sends them together`() throws {
        let rig = try FanOutRig()
        rig.stream.apply(Self.settings(mergeWindowMilliseconds: 100))
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        #expect(try player.received() == "P1")
        rig.loop.advanceTime(by: .milliseconds(60))
        rig.feed(FanOutRig.delta("b", at: 40))
        rig.loop.advanceTime(by: .milliseconds(39))
        #expect(try player.received() == "")
        rig.loop.advanceTime(by: .milliseconds(1))
        #expect(try player.received() == "ab")
    }

    @Test func `a changed merge window reaches viewers that play`() throws {
        let rig = try FanOutRig()
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        #expect(try player.received() == "P1a")
        rig.stream.apply(Self.settings(mergeWindowMilliseconds: 200))
        rig.loop.run()
        rig.feed(FanOutRig.delta("b", at: 40))
        #expect(try player.received() == "")
        rig.loop.advanceTime(by: .milliseconds(200))
        #expect(try player.received() == "b")
        rig.stream.apply(Self.settings(mergeWindowMilliseconds: 0))
        rig.loop.run()
        rig.feed(FanOutRig.delta("c", at: 80))
        #expect(try player.received() == "c")
    }

    @Test func `nodes get every frame at once, whatever the app's merge window`() throws {
        let rig = try FanOutRig(audience: .nodes)
        rig.stream.apply(Self.settings(mergeWindowMilliseconds: 200))
        let child = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.stream.apply(Self.settings(mergeWindowMilliseconds: 300))
        rig.loop.run()
        rig.feed(FanOutRig.delta("b", at: 40))
        #expect(try child.received() == "P1ab")
    }

    @Test func `the first frame is told once, when it has left`() throws {
        let rig = try FanOutRig()
        let player = try rig.join()
        #expect(player.firstFrames == 0)
        player.stopReading()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.feed(FanOutRig.delta("b", at: 40))
        #expect(player.firstFrames == 0)
        player.goOnReading()
        #expect(player.firstFrames == 1)
        rig.feed(FanOutRig.delta("c", at: 80))
        #expect(player.firstFrames == 1)
        #expect(try player.received() == "P1abc")
    }

    @Test func `bytes are counted when they have left, and at once`() throws {
        let rig = try FanOutRig()
        let player = try rig.join()
        #expect(rig.meters.egress.totalBytes == 2)
        player.stopReading()
        rig.feed(FanOutRig.key("abc", at: 0))
        #expect(rig.meters.egress.totalBytes == 2)
        player.goOnReading()
        #expect(rig.meters.egress.totalBytes == 5)
    }

    @Test func `what belongs to one viewer goes between its frames`() throws {
        let rig = try FanOutRig()
        let (one, other) = (try rig.join(), try rig.join())
        one.stopReading()
        rig.feed(FanOutRig.key("a", at: 0))
        one.viewer.send(ByteBuffer(string: "!"))
        rig.feed(FanOutRig.delta("b", at: 40))
        one.goOnReading()
        #expect(try one.received() == "P1a!b")
        #expect(try other.received() == "P1ab")
    }
}
