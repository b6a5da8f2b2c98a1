import Recording
import Testing
import Timebase

struct RetentionTests {
    private let files = [
        Retention.File(path: "live/b", bytes: 100, endedAt: WallTime(milliseconds: 2_000)),
        Retention.File(path: "live/a", bytes: 100, endedAt: WallTime(milliseconds: 1_000)),
        Retention.File(path: "live/c", bytes: 100, endedAt: WallTime(milliseconds: 3_000)),
    ]
    private let now = WallTime(milliseconds: 4_000)

    @Test(arguments: [
        (Retention(), 0, []), (Retention(bytesMax: 300), 0, []), (Retention(bytesMax: 299), 0, ["live/a"]),
        (Retention(bytesMax: 300), 1, ["live/a"]), (Retention(bytesMax: 50), 0, ["live/a", "live/b"]),
        (Retention(bytesMax: 100), 500, ["live/a", "live/b", "live/c"]),
        (Retention(ageMax: .seconds(1)), 0, ["live/a", "live/b"]),
        (Retention(ageMax: .milliseconds(1)), 0, ["live/a", "live/b", "live/c"]),
        (Retention(bytesMax: 200, ageMax: .seconds(2)), 0, ["live/a"]),
    ])
    func `the oldest go until bytes and age are within the limits`(
        _ retention: Retention,
        growing: Int,
        expired: [String]
    ) {
        #expect(retention.expired(files, growing: growing, at: now) == expired)
    }

    @Test(arguments: [(nil as Int?, 1000), (4000, 1000), (2000, 500)])
    func `files are small enough for several of them to be kept`(bytesMax: Int?, fileBytesMax: Int) {
        #expect(Retention(bytesMax: bytesMax).fileBytesMax(1000) == fileBytesMax)
    }

    @Test func `what was not copied yet stays, and the next one goes for it`() {
        var files = files
        files[1].waitsForCopy = true
        let retention = Retention(bytesMax: 200, ageMax: .milliseconds(1_500))
        #expect(retention.expired(files, growing: 0, at: now) == ["live/b"])
    }
}
