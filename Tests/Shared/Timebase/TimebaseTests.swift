import TestSupport
import Testing
import Timebase

@Suite struct MediaTimeTests {
    private static let rates: [Int64] = [8_000, 11_025, 22_050, 44_100, 48_000, 90_000]

    @Test(arguments: rates)
    func `a sample's number survives the way through ticks`(rate: Int64) {
        var random = SplitMix64(seed: UInt64(rate))
        let some = (0..<1000).map { _ in Int64.random(in: -1 << 40...1 << 40, using: &random) }
        for sample in [0, 1, -1, 1023, 1 << 40] + some {
            #expect(MediaTime(samples: sample, rate: rate).samples(atRate: rate) == sample)
        }
    }

    @Test
    func `milliseconds are rounded down on both sides of zero, so that what grows in ticks never shrinks in them`() {
        for (ticks, milliseconds) in [(-181, -3), (-180, -2), (-91, -2), (-90, -1), (-1, -1), (0, 0), (89, 0), (90, 1)]
        {
            #expect(MediaTime(ticks: Int64(ticks)).milliseconds == Int64(milliseconds))
        }
    }

    private static let seconds: [(seconds: Double, ticks: Int64)] = [
        (0, 0), (1624.0, 146_160_000), (-0.5, -45_000), (0.000_006, 1), (.nan, 0),
        (.infinity, 1 << 53), (1e300, 1 << 53), (-1e300, -(1 << 53)),
    ]

    @Test(arguments: seconds)
    func `any number of seconds another node may write is a time`(seconds: Double, ticks: Int64) {
        #expect(MediaTime(seconds: seconds).ticks == ticks)
    }
}

@Suite struct ClockTests {
    @Test func `durations and instants beyond what fits stay at the most that does`() {
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(Duration.nanoseconds(Int64.max).nanoseconds == .max)
        let late = MonotonicInstant(nanoseconds: .max - 1)
        #expect(late + .seconds(1) == MonotonicInstant(nanoseconds: .max))
        #expect(WallTime(milliseconds: .max - 1) + .seconds(1) == WallTime(milliseconds: .max))
    }

    @Test func `instants differ by what was added`() {
        let start = MonotonicInstant(nanoseconds: 7)
        #expect((start + .milliseconds(1500)) - start == .milliseconds(1500))
        #expect(Duration.milliseconds(1999).milliseconds == 1999)
        #expect(Duration.milliseconds(250).secondsAsDouble == 0.25)
    }
}

@Suite struct SerialNumberTests {
    private static let distances: [(from: UInt16, to: UInt16, distance: Int64)] = [
        (0, 0, 0), (0, 1, 1), (1, 0, -1), (65_535, 0, 1), (0, 65_535, -1), (0, 32_767, 32_767), (0, 32_769, -32_767),
        (40_000, 3_000, 28_536),
    ]

    @Test(arguments: distances)
    func `the shorter way round decides which number is before`(from: UInt16, to: UInt16, distance: Int64) {
        let (first, second) = (SerialNumber(from), SerialNumber(to))
        #expect(first.distance(to: second) == distance)
        #expect(first.isBefore(second) == (distance > 0))
    }

    @Test func `adding wraps`() {
        #expect(SerialNumber<UInt16>(65_535) + 2 == SerialNumber(1))
        #expect(SerialNumber<UInt32>(.max) + 1 == SerialNumber(0))
    }
}
