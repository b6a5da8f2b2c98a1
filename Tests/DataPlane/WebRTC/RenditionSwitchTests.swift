import MediaModel
import RTP
import Testing
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

@Suite struct ForcedRenditionTests {
    @Test(arguments: [(720, 0), (1080, 0), (480, 1), (500, 1), (360, 2), (100, 2)])
    func `who wants so many lines gets those, or the next fewer`(wanted: Int, expected: Int) {
        #expect(RenditionChoice.place(of: wanted, heights: [720, 480, 240]) == expected)
    }
}

@Suite struct RenditionSwitchTests {
    /// A GOP of 2 seconds, pictures every 100 ms; `number` counts pictures.
    fileprivate static func picture(_ number: Int) -> PacketizedFrame {
        PacketizedFrame(
            track: .video,
            presentationTime: MediaTime(milliseconds: Int64(number) * 100),
            isKeyframe: number % 20 == 0,
            payloads: [RTPPayload(bytes: ByteBuffer(bytes: [1]), marker: true)]
        )
    }

    private static func sound(_ milliseconds: Int64) -> PacketizedFrame {
        PacketizedFrame(
            track: .audio,
            presentationTime: MediaTime(milliseconds: milliseconds),
            isKeyframe: true,
            payloads: []
        )
    }

    /// A player in front of two renditions, of which the second is some pictures behind the first.
    private struct Player {
        var switching = RenditionSwitch("source")
        var shown: [(rendition: String, number: Int)] = []
        var steps: [RenditionSwitch<String>.Step] = []
        private var joined: Set<String> = ["source"]
        private let lag: [String: Int]

        init(lag: Int) { self.lag = ["source": 0, "rung": lag] }

        mutating func play(_ numbers: Range<Int>, missing: String? = nil) {
            for number in numbers {
                // One that is joined meanwhile brings its newest picture with those it has kept.
                let joined = joined
                for rendition in ["source", "rung"] where joined.contains(rendition) && rendition != missing {
                    give(number - (lag[rendition] ?? 0), of: rendition, at: number)
                }
            }
        }

        private mutating func give(_ number: Int, of rendition: String, at now: Int) {
            let (isWanted, step) = switching.admit(RenditionSwitchTests.picture(number), of: rendition)
            if isWanted { shown.append((rendition, number)) }
            guard let step else { return }
            steps.append(step)
            switch step {
            case .join(let next):
                joined.insert(next)
                // What its outlet has kept.
                let newest = now - (lag[next] ?? 0)
                for kept in (newest - newest % 20)...newest { give(kept, of: next, at: now) }
            case .leave(let old): joined.remove(old)
            }
        }
    }

    @Test(arguments: [0, 1, 5, 19])
    func `a move down and up shows every picture once, and changes at keyframes`(lag: Int) {
        var player = Player(lag: lag)
        player.play(100..<130)
        player.switching.move(to: "rung")
        player.play(130..<190)
        player.switching.move(to: "source")
        player.play(190..<250)
        let numbers = player.shown.map(\.number)
        #expect(numbers == Array(100...(numbers.last ?? 0)))
        let changes = zip(player.shown.dropFirst(), player.shown).filter { $0.rendition != $1.rendition }
        #expect(changes.map(\.0.number).map { $0 % 20 } == [0, 0])
        #expect(player.steps == [.join("rung"), .leave("source"), .join("source"), .leave("rung")])
        #expect(player.switching.isSteady && player.switching.current == "source")
    }

    @Test(arguments: [0, 1, 5])
    func `a player that jumps goes on at once, with all of the new rendition since its keyframe`(lag: Int) {
        var switching = RenditionSwitch("source")
        for number in 100..<113 { #expect(switching.admit(Self.picture(number), of: "source").isWanted) }
        #expect(switching.jump(to: "rung") == .join("rung") && switching.jump(to: "other") == nil)
        // Until it is there, the old one goes on.
        #expect(switching.admit(Self.picture(113), of: "source").isWanted)
        #expect(switching.jumped([], of: "source") == nil)
        let kept = (100...(113 - lag)).map { Self.picture($0) }
        let jumped = switching.jumped(kept, of: "rung")
        #expect(jumped?.isWanted == true && jumped?.step == .leave("source"))
        #expect(switching.isSteady && switching.current == "rung" && switching.joined == ["rung"])
        #expect(switching.admit(Self.picture(114), of: "source").isWanted == false)
        #expect(switching.admit(Self.picture(114 - lag), of: "rung").isWanted)
    }

    @Test func `a jump to a rendition that has kept no keyframe, or has ended, is given up`() {
        var switching = RenditionSwitch("source")
        _ = switching.jump(to: "rung")
        let jumped = switching.jumped([Self.picture(101)], of: "rung")
        #expect(jumped?.isWanted == false && jumped?.step == .leave("rung"))
        #expect(switching.isSteady && switching.current == "source")
        _ = switching.jump(to: "rung")
        #expect(switching.lost("rung", fallback: "source") == .leave("rung"))
        #expect(switching.isSteady && switching.current == "source")
    }

    @Test func `a rendition that does not come is given up at the next keyframe`() {
        var player = Player(lag: 3)
        player.play(100..<105)
        player.switching.move(to: "rung")
        player.play(105..<160, missing: "rung")
        // The GOP in between was waited through.
        #expect(player.shown.map(\.number) == Array(100..<120) + Array(140..<160))
        #expect(player.steps == [.join("rung"), .leave("rung")])
        #expect(player.switching.isSteady && player.switching.current == "source")
    }

    @Test func `a rung that ends leaves its player with the source, and the source's end is the player's`() {
        var player = Player(lag: 0)
        player.switching.move(to: "rung")
        player.play(120..<150)
        #expect(player.switching.current == "rung")
        #expect(player.switching.lost("rung", fallback: "source") == .join("source"))
        #expect(player.switching.admit(Self.picture(155), of: "source").isWanted == false)
        let next = player.switching.admit(Self.picture(160), of: "source")
        #expect(next.isWanted && next.step == .leave("rung"))
        #expect(player.switching.lost("source", fallback: "source") == nil)
    }

    @Test func `sound goes on from whichever rendition is ahead, and never twice`() {
        var switching = RenditionSwitch("source")
        let heard: [(String, Int64)] = [
            ("source", 0), ("source", 20), ("rung", 20), ("rung", 10), ("rung", 40), ("source", 40), ("source", 60),
        ]
        let wanted = heard.map { switching.admit(Self.sound($0.1), of: $0.0).isWanted }
        #expect(wanted == [true, true, false, false, true, false, true])
    }
}

@Suite struct RenditionChoiceTests {
    private static let bitrates = [2_500_000, 1_200_000, 300_000]

    /// Judges once a second; what the path carries is a function of what is played, which is what shows it.
    private func play(_ seconds: Int, _ capacity: (_ second: Int, _ bitrate: Int) -> Int?) -> [Int] {
        var choice = RenditionChoice()
        var current = 0
        return (0..<seconds).map { second in
            current = choice.judge(
                PathReport(capacityBitsPerSecond: capacity(second, Self.bitrates[current])),
                bitrates: Self.bitrates,
                current: current,
                at: MonotonicInstant(nanoseconds: Int64(second) * 1_000_000_000)
            )
            return current
        }
    }

    @Test func `a path that shows no limit gets the source`() {
        #expect(play(60) { _, _ in nil } == Array(repeating: 0, count: 60))
    }

    @Test func `one bad second changes nothing, a narrow path gets what fits at once`() {
        #expect(play(10) { second, _ in second == 4 ? 400_000 : 5_000_000 } == Array(repeating: 0, count: 10))
        let narrow = play(10) { second, _ in second < 4 ? nil : 400_000 }
        #expect(narrow == [0, 0, 0, 0, 0, 2, 2, 2, 2, 2])
    }

    @Test func `where much is lost, one bad look is enough`() {
        var choice = RenditionChoice()
        let path = PathReport(capacityBitsPerSecond: 400_000, isLosing: true)
        let now = MonotonicInstant(nanoseconds: 0)
        #expect(choice.judge(path, bitrates: Self.bitrates, current: 0, at: now) == 2)
        #expect(choice.judge(path, bitrates: Self.bitrates, current: 2, at: now) == 2, "below it there is nothing")
    }

    @Test func `a path that carries more again is climbed a step at a time`() {
        let played = play(40) { second, _ in second < 10 ? 400_000 : 10_000_000 }
        #expect(Array(played[2..<10]) == Array(repeating: 2, count: 8))
        #expect(played.last == 0 && played.contains(1))
        #expect(zip(played.dropFirst(4), played.dropFirst(3)).allSatisfy { $1 - $0 <= 1 })
    }

    @Test func `tries that fail come ever more seldom`() {
        // 1 Mbit/s, which only what is larger shows.
        let played = play(600) { _, bitrate in bitrate > 1_000_000 ? 1_000_000 : nil }
        let tries = played.indices.dropFirst().filter { played[$0] < played[$0 - 1] }
        let pauses = zip(tries.dropFirst(), tries).map { $0 - $1 }
        #expect(pauses == pauses.sorted() && pauses.count >= 3)
        #expect((pauses.first ?? 0) < 30 && (pauses.last ?? 0) > 80)
        #expect(played.count { $0 == 2 } > 550)
    }

    @Test func `below the lowest there is nothing`() {
        #expect(play(10) { _, _ in 10_000 }.last == 2)
    }
}
