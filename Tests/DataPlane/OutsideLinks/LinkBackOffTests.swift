import OutsideLinks
import TestSupport
import Testing
import Timebase

struct LinkBackOffTests {
    private func instant(_ seconds: Int64) -> MonotonicInstant { MonotonicInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test func `pauses grow up to half a minute, and are never longer nor much shorter`() {
        var (link, random) = (LinkBackOff(id: "a"), SplitMix64(seed: 1))
        for pause: Double in [1, 2, 4, 8, 16, 30, 30] {
            link.begin()
            #expect(link.status.state == .connecting)
            let waited = link.failed("refused", at: instant(0), using: &random).secondsAsDouble
            #expect((pause * 0.8...pause).contains(waited))
        }
        #expect(link.status.failures == 7 && link.status.error == "refused" && link.status.state == .waiting)
    }

    @Test func `a link that was good for a while begins with the shortest pause again`() {
        var (link, random) = (LinkBackOff(id: "a"), SplitMix64(seed: 1))
        for _ in 0..<5 { _ = link.failed("refused", at: instant(0), using: &random) }
        link.begin()
        link.mediaFlows(at: instant(100))
        #expect(link.status.state == .active && link.status.error == nil)
        #expect(link.failed("lost", at: instant(111), using: &random) <= .seconds(1))
    }

    @Test func `a link that breaks at once is no good link`() {
        var (link, random) = (LinkBackOff(id: "a"), SplitMix64(seed: 1))
        for round: Int64 in 0..<6 {
            link.mediaFlows(at: instant(round))
            _ = link.failed("lost", at: instant(round + 1), using: &random)
        }
        #expect(link.failed("lost", at: instant(9), using: &random) >= .seconds(24))
    }
}
