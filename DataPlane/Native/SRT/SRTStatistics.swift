import CSRT

/// What has happened on a connection since the last time it was asked, and how it stands.
package struct SRTStatistics: Hashable, Sendable {
    /// Of one direction, in packets.
    package struct Direction: Hashable, Sendable {
        package var packets = 0
        package var lost = 0
        package var retransmitted = 0
        /// Given up because they would have come too late.
        package var dropped = 0

        package static func += (sum: inout Direction, more: Direction) {
            sum.packets += more.packets
            sum.lost += more.lost
            sum.retransmitted += more.retransmitted
            sum.dropped += more.dropped
        }
    }

    package var received = Direction()
    package var sent = Direction()
    /// Packets that no key fitted.
    package var undecrypted = 0
    package var roundTripMilliseconds = 0.0

    package init() {}

    package mutating func add(_ more: SRTStatistics) {
        received += more.received
        sent += more.sent
        undecrypted += more.undecrypted
        roundTripMilliseconds = more.roundTripMilliseconds
    }
}

extension SRTSocket {
    /// Whether the peer has sent anything, be it that it cannot be read before its latency has passed.
    package var hasReceivedPackets: Bool {
        var figures = SRT_TRACEBSTATS()
        return srt_bstats(number, &figures, 0) >= 0 && figures.pktRecvTotal > 0
    }

    /// Nil once the connection is broken.
    package func takeStatistics() -> SRTStatistics? {
        var figures = SRT_TRACEBSTATS()
        guard srt_bstats(number, &figures, 1) >= 0 else { return nil }
        var statistics = SRTStatistics()
        statistics.received.packets = Int(figures.pktRecv)
        statistics.received.lost = Int(figures.pktRcvLoss)
        statistics.received.retransmitted = Int(figures.pktRcvRetrans)
        statistics.received.dropped = Int(figures.pktRcvDrop)
        statistics.sent.packets = Int(figures.pktSent)
        statistics.sent.lost = Int(figures.pktSndLoss)
        statistics.sent.retransmitted = Int(figures.pktRetrans)
        statistics.sent.dropped = Int(figures.pktSndDrop)
        statistics.undecrypted = Int(figures.pktRcvUndecrypt)
        statistics.roundTripMilliseconds = figures.msRTT
        return statistics
    }
}
