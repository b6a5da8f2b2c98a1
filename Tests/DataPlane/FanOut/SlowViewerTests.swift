import ClusterModel
import FanOut
import MediaModel
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

/// Viewers that fall behind, stop or leave in the middle of a write.
@Suite struct SlowViewerTests {
    private func rig(_ change: (inout FanOutLimits) -> Void = { _ in }) throws -> FanOutRig {
        var limits = FanOutLimits()
        change(&limits)
        return try FanOutRig(limits: limits)
    }

    @Test func `a viewer behind by bytes goes on at the newest keyframe`() throws {
        let rig = try rig { $0.lagBytesMax = 10 }
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        player.stopReading()
        for (text, time) in [("b", 40), ("cccccc", 80)] { rig.feed(FanOutRig.delta(text, at: Int64(time))) }
        rig.feed(FanOutRig.key("dddddd", at: 120))
        rig.feed(FanOutRig.delta("e", at: 160))
        player.goOnReading()
        #expect(try player.received() == "P1abdddddde")
    }

    @Test func `a viewer behind by time goes on at the newest keyframe`() throws {
        let rig = try rig { $0.lagDurationMax = MediaTime(seconds: 4) }
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        player.stopReading()
        for second in 1...6 { rig.feed(FanOutRig.delta("\(second)", at: Int64(second) * 1000)) }
        rig.feed(FanOutRig.key("k", at: 6040))
        player.goOnReading()
        #expect(try player.received() == "P1a1k")
    }

    @Test func `one that is within the limits loses nothing`() throws {
        let rig = try rig { $0.lagBytesMax = 10 }
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        player.stopReading()
        for number in 1...9 { rig.feed(FanOutRig.key("\(number)", at: Int64(number) * 40)) }
        player.goOnReading()
        #expect(try player.received() == "P1a123456789")
    }

    @Test func `a viewer that is skipped again and again and catches up each time stays`() throws {
        let rig = try rig {
            $0.lagBytesMax = 10
            $0.skipsMax = 2
        }
        let player = try rig.join()
        player.stopReading()
        for number in 0..<12 {
            rig.feed(FanOutRig.key("kkkkkkkkkkkk", at: Int64(number) * 1000))
            rig.feed(FanOutRig.delta("d", at: Int64(number) * 1000 + 500))
            player.goOnReading()
            player.stopReading()
            rig.feed(FanOutRig.delta("dd", at: Int64(number) * 1000 + 600))
        }
        #expect(player.ends == [])
    }

    @Test func `one that is skipped again and again without catching up between is dropped`() throws {
        let rig = try rig {
            $0.lagBytesMax = 10
            $0.skipsMax = 2
        }
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        player.stopReading()
        rig.feed(FanOutRig.delta("b", at: 40))
        for number in 1...3 {
            rig.feed(FanOutRig.delta("cccccccccccc", at: Int64(number) * 1000))
            rig.feed(FanOutRig.key("\(number)", at: Int64(number) * 1000 + 40))
            #expect(player.ends == [])
            player.takeOneWrite()
            rig.feed(FanOutRig.delta("dddddddddddd", at: Int64(number) * 1000 + 80))
        }
        #expect(player.ends == [.tooSlow])
    }

    @Test func `control bytes before the lane are bounded, and end a viewer that has too many`() throws {
        let rig = try rig { $0.controlBytesMax = 1000 }
        let player = FanOutRig.Player(loop: rig.loop)
        let ping = ByteBuffer(repeating: 1, count: 100)
        for _ in 0..<10_000 { player.viewer.send(ping) }
        #expect(player.viewer.owedControlBytes <= FanOutLimits().controlBytesMax + 100)
        rig.outlet.add(player.viewer)
        rig.loop.run()
        #expect(player.ends == [.tooSlow])
    }

    @Test func `a viewer that has ended takes no more control bytes`() throws {
        let rig = try rig()
        let player = try rig.join()
        rig.stream.end(.unpublished)
        rig.loop.run()
        #expect(player.ends == [.streamEnded(.unpublished)])
        player.viewer.send(ByteBuffer(repeating: 1, count: 100))
        #expect(player.viewer.owedControlBytes == 0)
    }

    @Test func `one that must have everything is closed instead of skipped`() throws {
        let rig = try rig {
            $0.lagBytesMax = 10
            $0.slowViewer = .close
        }
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        player.stopReading()
        rig.feed(FanOutRig.delta("b", at: 40))
        rig.feed(FanOutRig.key("cccccccccccc", at: 80))
        player.goOnReading()
        #expect(try player.received() == "P1ab")
        #expect(player.ends == [.tooSlow])
    }

    /// New tracks: nothing to skip to yet, and what it waits for is gone.
    @Test func `a viewer whose frames are gone waits for the next keyframe`() throws {
        let rig = try rig {
            $0.lagBytesMax = 10
            $0.ringBytesMax = 20
        }
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        player.stopReading()
        rig.feed(FanOutRig.delta("b", at: 40))
        rig.feed(FanOutRig.tracks(2))
        for number in 2...9 { rig.feed(FanOutRig.delta("dddd", at: Int64(number) * 40)) }
        player.goOnReading()
        rig.feed(FanOutRig.key("k", at: 400))
        #expect(try player.received() == "P1ab(2)k")
        #expect(player.ends == [])
    }

    @Test func `a keyframe too long ago starts nobody`() throws {
        let rig = try rig { $0.startAgeMax = MediaTime(seconds: 5) }
        _ = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        for second in 1...5 { rig.feed(FanOutRig.delta("\(second)", at: Int64(second) * 1000)) }
        let inTime = try rig.join()
        rig.feed(FanOutRig.delta("6", at: 6000))
        let late = try rig.join()
        rig.feed(FanOutRig.key("k", at: 7000))
        #expect(try inTime.received() == "P1a123456k")
        #expect(try late.received() == "P1k")
    }

    // MARK: Writes that do not end

    @Test func `a viewer that takes nothing for the stall time is dropped, and not before`() throws {
        let rig = try rig { $0.stallMax = .seconds(10) }
        let player = try rig.join()
        player.stopReading()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.loop.advanceTime(by: .seconds(10))
        #expect(player.ends == [])
        rig.loop.advanceTime(by: .seconds(2))
        #expect(player.ends == [.tooSlow])
    }

    @Test func `a viewer that has nothing to take is not stalled`() throws {
        let rig = try rig()
        let player = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.loop.advanceTime(by: .seconds(100))
        #expect(player.ends == [])
    }

    @Test func `a write counts as stalled by what is owed, not by how long it takes`() {
        let start = NIODeadline.uptimeNanoseconds(0)
        var steady = WriteWatch(now: start)
        for second in 1...100 {
            let now = start + .seconds(Int64(second))
            let hasStalled = steady.hasStalled(for: .seconds(10), owed: 1000 - second / 5, now: now)
            #expect(!hasStalled)
        }
        var stopped = WriteWatch(now: start)
        var droppedAt: Int?
        for second in 1...20 where droppedAt == nil {
            let now = start + .seconds(Int64(second))
            if stopped.hasStalled(for: .seconds(10), owed: second < 4 ? 1000 - second : 996, now: now) {
                droppedAt = second
            }
        }
        // The last progress was seen in second 4.
        #expect(droppedAt == 15)
    }

    @Test func `a viewer that leaves in the middle of a write gets no more and hears no more`() throws {
        let rig = try rig()
        let (leaving, staying) = (try rig.join(), try rig.join())
        leaving.stopReading()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.outlet.remove(leaving.viewer)
        rig.feed(FanOutRig.delta("b", at: 40))
        leaving.goOnReading()
        rig.feed(FanOutRig.delta("c", at: 80))
        #expect(try leaving.received() == "P1a")
        #expect(leaving.ends == [])
        #expect(try staying.received() == "P1abc")
    }

    @Test func `a write that fails ends that viewer alone`() throws {
        let rig = try rig()
        let (broken, whole) = (try rig.join(), try rig.join())
        broken.stopReading()
        rig.feed(FanOutRig.key("a", at: 0))
        broken.breakConnection()
        rig.feed(FanOutRig.delta("b", at: 40))
        #expect(broken.ends == [.connectionLost])
        #expect(try whole.received() == "P1ab")
        #expect(whole.ends == [])
    }

    @Test func `a viewer that is behind when the stream ends gets the rest and then the end`() throws {
        let rig = try rig()
        let player = try rig.join()
        player.stopReading()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.feed(FanOutRig.delta("b", at: 40))
        rig.stream.end(.unpublished)
        rig.loop.run()
        #expect(player.ends == [])
        player.goOnReading()
        #expect(try player.received() == "P1ab")
        #expect(player.ends == [.streamEnded(.unpublished)])
    }

    @Test func `a gap sends late comers to the next keyframe and leaves the others alone`() throws {
        let rig = try rig()
        let early = try rig.join()
        rig.feed(FanOutRig.key("a", at: 0))
        rig.outlet.stream(rig.stream, noticed: .gap)
        rig.feed(FanOutRig.delta("b", at: 40))
        let late = try rig.join()
        rig.feed(FanOutRig.key("c", at: 80))
        #expect(try early.received() == "P1abc")
        #expect(try late.received() == "P1c")
    }

    @Test func `a change of owner ends the pulls of nodes, with the new epoch, and no player`() throws {
        for audience in [Outlet<FanOutRig.LetterFormat>.Audience.players, .nodes] {
            let rig = try FanOutRig(audience: audience)
            let viewer = try rig.join()
            rig.stream.endTenure(fencedBy: Epoch(2))
            rig.loop.run()
            #expect(viewer.ends == (audience == .nodes ? [.streamEnded(.fenced(Epoch(2)))] : []))
        }
    }
}
