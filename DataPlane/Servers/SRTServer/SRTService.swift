import FanOut
package import Logging
import Metrics
package import NIOCore
import Observability
import SRT
package import Streams
import Synchronization

/// What the SRT connections of a worker share.
package struct SRTService: Sendable {
    package let gate: any StreamGate
    package let screen: any StreamScreen
    package let outlets: SRTOutlets
    package let logger: Logger
    package let limits: SRTLimits
    /// Where streams that come in by SRT live.
    package let group: any EventLoopGroup
    /// Whether this node takes publishers: else who does not say what he wants is a player.
    package let takesPublishers: Bool
    let connections = OpenConnections()
    let meters = SRTMeters()

    package init(
        gate: any StreamGate,
        screen: any StreamScreen,
        outlets: SRTOutlets,
        logger: Logger,
        group: any EventLoopGroup,
        takesPublishers: Bool,
        limits: SRTLimits = SRTLimits()
    ) {
        self.gate = gate
        self.screen = screen
        self.outlets = outlets
        self.logger = logger
        self.group = group
        self.takesPublishers = takesPublishers
        self.limits = limits
    }
}

package struct SRTLimits: Sendable {
    /// Each costs two buffers and, for a publisher, a thread of libsrt.
    package var connectionsMax = 2000
    /// A caller that does not say what it wants and sends nothing for so long is a player.
    package var silenceMax = Duration.milliseconds(400)
    /// A publisher that stays connected and sends nothing has left its stream, as one of RTMP has.
    package var publisherSilenceMax = Duration.seconds(20)
    /// Refusals that only the control plane can give close the socket within this time of its being accepted.
    package var refusalMax = Duration.milliseconds(900)
    /// Bytes read from one publisher that its stream has not taken yet; above, it is not read.
    package var unhandledBytesMax = 4 << 20
    /// Packets of one publisher read in one turn.
    package var packetsPerTurn = 256
    /// A player that is farther away than this, or mute, waits no longer for its first picture.
    package var warmUpMax = SRTWarmUp.durationMax
    /// What a player may have left to receive when its stream ends, before it is closed all the same.
    package var goodbyeMax = Duration.seconds(5)

    package init() {}
}

/// What the SRT connections count.
final class SRTMeters: Sendable {
    let ingestBytes = MetricNames.ingestBytes.counter("srt")
    let firstFrame = MetricNames.firstFrame.timer("srt")
    private let received = Direction("received")
    private let sent = Direction("sent")

    private struct Direction {
        let packets: Counter
        let lost: Counter
        let retransmitted: Counter
        let dropped: Counter

        init(_ direction: String) {
            packets = MetricNames.srtPackets.counter(direction)
            lost = MetricNames.srtPacketsLost.counter(direction)
            retransmitted = MetricNames.srtPacketsRetransmitted.counter(direction)
            dropped = MetricNames.srtPacketsDropped.counter(direction)
        }

        func add(_ figures: SRTStatistics.Direction) {
            packets.increment(by: figures.packets)
            lost.increment(by: figures.lost)
            retransmitted.increment(by: figures.retransmitted)
            dropped.increment(by: figures.dropped)
        }
    }

    func add(_ statistics: SRTStatistics) {
        received.add(statistics.received)
        sent.add(statistics.sent)
    }

    func refused(_ reason: String) { MetricNames.connectionsRefused.counter("srt", reason).increment() }
    func protocolError(_ reason: String) { MetricNames.protocolErrors.counter("srt", reason).increment() }
}

/// Connections open now, as a gauge.
final class OpenConnections: Sendable {
    private let number = Atomic<Int>(0)
    private let gauge = MetricNames.connections.gauge("srt")

    var count: Int { number.load(ordering: .relaxed) }

    func change(by step: Int) { gauge.record(number.add(step, ordering: .relaxed).newValue) }
}
