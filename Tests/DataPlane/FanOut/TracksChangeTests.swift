import FanOut
import NIOCore
import Streams
import Testing
import Timebase

/// Nobody may get a picture without the codec headers it was made with.
@Suite struct TracksChangeTests {
    private func rig(lagBytesMax: Int = 10, slowViewer: FanOutLimits.SlowViewer = .skip) throws -> FanOutRig {
        var limits = FanOutLimits()
        limits.lagBytesMax = lagBytesMax
        limits.slowViewer = slowViewer
        return try FanOutRig(limits: limits)
    }

    @Test func `a viewer that waits for its first keyframe past a change gets the new tracks before it`() throws {
        let rig = try rig()
        let player = try rig.join()
        rig.feed(FanOutRig.tracks(2))
        rig.feed(FanOutRig.tracks(3))
        rig.feed(FanOutRig.delta("b", at: 40))
        rig.feed(FanOutRig.key("c", at: 80))
        rig.feed(FanOutRig.delta("d", at: 120))
        #expect(try player.received() == "P1(3)cd")
    }

    @Test func `a viewer skipped past a change gets the new tracks before the keyframe`() throws {
        let rig = try rig()
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        player.stopReading()
        rig.feed(FanOutRig.delta("b", at: 40))
        rig.feed(FanOutRig.delta("c", at: 80))
        rig.feed(FanOutRig.tracks(2), FanOutRig.key("DDDDDDDDDDDD", at: 120))
        player.goOnReading()
        rig.feed(FanOutRig.delta("e", at: 160))
        #expect(try player.received() == "P1ab(2)DDDDDDDDDDDDe")
    }

    @Test func `a skipped viewer is not told again what it knows`() throws {
        let rig = try rig()
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.feed(FanOutRig.tracks(2), FanOutRig.key("b", at: 40))
        player.stopReading()
        rig.feed(FanOutRig.delta("c", at: 80))
        rig.feed(FanOutRig.delta("d", at: 120))
        rig.feed(FanOutRig.key("EEEEEEEEEEEE", at: 160))
        player.goOnReading()
        #expect(try player.received() == "P1a(2)bcEEEEEEEEEEEE")
    }

    @Test func `a viewer that comes after the change knows the tracks from its prelude`() throws {
        let rig = try rig()
        _ = try rig.join()
        rig.feed(FanOutRig.tracks(2), FanOutRig.key("a", at: 0))
        let late = try rig.join()
        #expect(try late.received() == "P2a")
    }

    @Test func `a keyframe before a change in one batch starts nobody after it`() throws {
        let rig = try rig()
        _ = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0), FanOutRig.tracks(2), FanOutRig.delta("b", at: 40))
        let late = try rig.join()
        rig.feed(FanOutRig.key("c", at: 80))
        #expect(try late.received() == "P2c")
    }

    @Test func `the first viewer of a loop does not start at a kept keyframe of older tracks`() throws {
        let rig = try rig()
        rig.feed(FanOutRig.key("a", at: 0), FanOutRig.tracks(2), FanOutRig.delta("b", at: 40))
        let first = try rig.join()
        rig.feed(FanOutRig.key("c", at: 80))
        #expect(try first.received() == "P2c")
    }

    /// Tracks have no time of their own; taken for old they would make everybody late.
    @Test func `tracks and notices first in a batch make nobody late`() throws {
        let rig = try rig(lagBytesMax: 1 << 20, slowViewer: .close)
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        for second in 1...20 { rig.feed(FanOutRig.delta("b", at: Int64(second) * 1000)) }
        _ = try player.received()
        rig.feed(FanOutRig.tracks(2), FanOutRig.key("c", at: 20_040))
        rig.stream.interrupt()
        rig.feed(FanOutRig.key("d", at: 20_080))
        #expect(try player.received() == "(2)cId")
        player.stopReading()
        rig.feed(FanOutRig.key("e", at: 20_120))
        rig.stream.interrupt()
        rig.feed(FanOutRig.tracks(3), FanOutRig.key("f", at: 20_160))
        player.goOnReading()
        #expect(try player.received() == "eI(3)f")
        #expect(player.ends == [])
    }
}
