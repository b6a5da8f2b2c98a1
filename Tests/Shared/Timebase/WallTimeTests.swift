import Testing
import Timebase

@Suite struct WallTimeTests {
    private static let same: [(text: String, milliseconds: Int64)] = [
        ("1970-01-01T00:00:00.000Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2000-02-29T12:00:00.000Z", 951_825_600_000),
        ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
        ("2026-11-21T04:36:12.345Z", 1_795_235_772_345),
        ("0001-01-01T00:00:00.000Z", -62_135_596_800_000),
    ]

    @Test(arguments: same)
    func `a time is written as it is read`(text: String, milliseconds: Int64) {
        #expect(WallTime(rfc3339: text) == WallTime(milliseconds: milliseconds))
        #expect(WallTime(milliseconds: milliseconds).rfc3339 == text)
    }

    private static let forms: [(text: String, milliseconds: Int64)] = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T18:30:00-05:30", 0),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T00:00:00.0019Z", 1),
        ("1970-01-01T00:00:00.123456789123456789123456789Z", 123),
        // A leap second is the second after.
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ]

    @Test(arguments: forms)
    func `every form RFC 3339 allows is read`(text: String, milliseconds: Int64) {
        #expect(WallTime(rfc3339: text)?.milliseconds == milliseconds)
    }

    private static let malformed = [
        "", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00:00.Z",
        "1970-13-01T00:00:00Z", "1970-00-01T00:00:00Z", "1970-01-32T00:00:00Z", "1970-01-00T00:00:00Z",
        "1970-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "1970-04-31T00:00:00Z",
        "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00+0100", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60", "1970-01-01T00:00:00+01",
        "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00.5", "x970-01-01T00:00:00Z", "1970-01-01T00:00:00é",
    ]

    @Test(arguments: malformed)
    func `what is not a time is refused`(text: String) {
        #expect(WallTime(rfc3339: text) == nil)
    }

    @Test func `every day of four centuries is written as it is read`() {
        var days = Set<String>()
        for day in 0..<146_097 as Range<Int64> {
            let time = WallTime(milliseconds: day * 86_400_000)
            let text = time.rfc3339
            guard WallTime(rfc3339: text) == time, days.insert(text).inserted else {
                Issue.record("day \(day) is '\(text)'")
                return
            }
        }
    }
}
