import ClusterModel
import Metrics
import Observability
import Renditions

/// What a worker carries now, as gauges; set with each heartbeat.
struct NodeGauges {
    private let registered = MetricNames.registered.gauge()
    private let viewers: [(count: @Sendable (ViewerCounts) -> Int, gauge: Gauge)] = [
        ({ $0.rtmp }, MetricNames.viewers.gauge("rtmp")),
        ({ $0.httpFlv }, MetricNames.viewers.gauge("http-flv")),
        ({ $0.hls }, MetricNames.viewers.gauge("hls")),
        ({ $0.dash }, MetricNames.viewers.gauge("dash")),
        ({ $0.webrtc }, MetricNames.viewers.gauge("webrtc")),
        ({ $0.srt }, MetricNames.viewers.gauge("srt")),
    ]
    private let publishers = MetricNames.publishers.gauge("rtmp")
    private let published = MetricNames.streams.gauge("publisher")
    private let relayed = MetricNames.streams.gauge("relay")
    private let held = MetricNames.holds.gauge("held")
    private let unconfirmed = MetricNames.holds.gauge("unconfirmed")
    private let pulls: [(tier: RouteAnswer.Tier, gauge: Gauge)] = [RouteAnswer.Tier.origin, .secondary, .peer].map {
        ($0, MetricNames.relayPulls.gauge($0.rawValue))
    }

    private let renditions = MetricNames.renditions.gauge()
    private let encoderQueueDepth = MetricNames.encoderQueueDepth.gauge()
    private let encoderSpeed = MetricNames.encoderSpeed.gauge()

    func set(registered isRegistered: Bool) { registered.record(isRegistered ? 1 : 0) }

    func set(_ report: StreamCoordinator.Report) {
        for (count, gauge) in viewers { gauge.record(count(report.viewers)) }
        publishers.record(report.publishers)
        published.record(report.holds.count)
        relayed.record(report.streams.count - report.holds.count)
        held.record(report.isLeaseHeld ? report.holds.count : 0)
        unconfirmed.record(report.isLeaseHeld ? 0 : report.holds.count)
        renditions.record(report.renditions.renditions)
        encoderQueueDepth.record(report.renditions.queueDepth)
        encoderSpeed.record(report.renditions.speed ?? 0)
        for (tier, gauge) in pulls { gauge.record(report.pullsByTier[tier] ?? 0) }
    }
}
