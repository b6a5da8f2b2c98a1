import Streams
import Testing
import Timebase
import Worker

@Suite struct UnknownStreamsTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000)

    private func stream(_ number: Int) throws -> StreamID { try StreamID(app: "live", id: "s\(number)") }

    @Test func `a stream is unknown for a while, again when told again, and no more once forgotten`() throws {
        var unknown = UnknownStreams()
        let id = try stream(1)
        unknown.add(id, at: start)
        #expect(unknown.contains(id, at: start + .seconds(1)))
        unknown.add(id, at: start + .seconds(1))
        #expect(unknown.contains(id, at: start + .milliseconds(2900)))
        #expect(!unknown.contains(id, at: start + .seconds(3)))
        unknown.add(id, at: start + .seconds(4))
        unknown.forget(id)
        #expect(!unknown.contains(id, at: start + .seconds(4)))
    }

    @Test func `a flood pushes out the oldest, so the newest still cost no question`() throws {
        var unknown = UnknownStreams()
        for number in 0...UnknownStreams.countMax { unknown.add(try stream(number), at: start) }
        #expect(!unknown.contains(try stream(0), at: start))
        #expect(unknown.contains(try stream(1), at: start))
        #expect(unknown.contains(try stream(UnknownStreams.countMax), at: start))
    }

    /// The place a stream had when it was told first is not the one it has since.
    @Test func `one told again in a flood is not pushed out as the oldest`() throws {
        var unknown = UnknownStreams()
        unknown.add(try stream(0), at: start)
        unknown.add(try stream(0), at: start + .milliseconds(1))
        for number in 1..<UnknownStreams.countMax { unknown.add(try stream(number), at: start + .milliseconds(2)) }
        #expect(unknown.contains(try stream(0), at: start + .milliseconds(2)))
    }
}
