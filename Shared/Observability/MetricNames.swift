/// Every metric of both planes, with its help. Base units; a label's values are few and never a stream's name.
package enum MetricNames {
    private static let protocolLabel = ["protocol"]

    // Data plane: connections and sessions
    package static let connections = MetricName(
        "millrace_connections",
        .gauge,
        protocolLabel,
        help: "Client connections open now."
    )
    package static let connectionsRefused = MetricName(
        "millrace_connections_refused_total",
        .counter,
        ["protocol", "reason"],
        help: "Connections and requests refused, by reason."
    )
    package static let protocolErrors = MetricName(
        "millrace_protocol_errors_total",
        .counter,
        ["protocol", "reason"],
        help: "Connections closed because the peer broke the protocol or a limit of ours."
    )
    package static let publishers = MetricName(
        "millrace_publishers",
        .gauge,
        protocolLabel,
        help: "Publish sessions now."
    )
    package static let viewers = MetricName(
        "millrace_viewers",
        .gauge,
        protocolLabel,
        help: "Viewers now; relay pulls are never counted. hls and dash are estimates from segment fetches."
    )
    package static let streams = MetricName(
        "millrace_streams",
        .gauge,
        ["source"],
        help: "Live streams on this node, by source: publisher or relay."
    )

    // Data plane: media
    package static let ingestBytes = MetricName(
        "millrace_ingest_bytes_total",
        .counter,
        protocolLabel,
        help: "Media bytes received."
    )
    package static let egressBytes = MetricName(
        "millrace_egress_bytes_total",
        .counter,
        protocolLabel,
        help: "Media bytes sent."
    )
    package static let viewerSkips = MetricName(
        "millrace_viewer_skips_total",
        .counter,
        protocolLabel,
        help: "Times a viewer too slow to follow was moved ahead to a keyframe."
    )
    package static let viewersDropped = MetricName(
        "millrace_viewers_dropped_total",
        .counter,
        ["protocol", "reason"],
        help: "Viewers closed by us, by reason."
    )
    package static let timelineRepairs = MetricName(
        "millrace_timeline_repairs_total",
        .counter,
        ["reason"],
        help: "Timestamps mended, by what was wrong with them."
    )
    package static let firstFrame = MetricName(
        "millrace_first_frame_seconds",
        .histogram,
        protocolLabel,
        bounds: seconds,
        help: "From a viewer's request to the first media byte sent."
    )
    package static let segmentsCut = MetricName(
        "millrace_segments_cut_total",
        .counter,
        help: "HLS and DASH segments packaged on this node."
    )
    package static let httpRequests = MetricName(
        "millrace_http_requests_total",
        .counter,
        ["route", "status"],
        help: "HTTP requests answered, by class of status; a player that streams counts when it begins."
    )

    // Data plane: SRT, by direction as seen from this node
    package static let srtPackets = MetricName(
        "millrace_srt_packets_total",
        .counter,
        ["direction"],
        help: "SRT data packets, by direction: received or sent; sent ones with those sent again."
    )
    package static let srtPacketsLost = MetricName(
        "millrace_srt_packets_lost_total",
        .counter,
        ["direction"],
        help: "SRT packets that were missed at first."
    )
    package static let srtPacketsRetransmitted = MetricName(
        "millrace_srt_packets_retransmitted_total",
        .counter,
        ["direction"],
        help: "SRT packets that came or went again."
    )
    package static let srtPacketsDropped = MetricName(
        "millrace_srt_packets_dropped_total",
        .counter,
        ["direction"],
        help: "SRT packets given up because they would have come too late."
    )

    // Data plane: renditions
    package static let renditions = MetricName(
        "millrace_renditions",
        .gauge,
        help: "Renditions encoded now."
    )
    package static let renditionsEnded = MetricName(
        "millrace_renditions_ended_total",
        .counter,
        ["reason"],
        help: "Renditions that ended although somebody may want them: given up under load, or failed."
    )
    package static let encodersRefused = MetricName(
        "millrace_encoders_refused_total",
        .counter,
        ["instead"],
        help: "Times the encoder an app wished for could not be opened, by what served instead."
    )
    package static let encoderQueueDepth = MetricName(
        "millrace_encoder_queue_depth",
        .gauge,
        help: "Units and pictures that wait for decoders and encoders."
    )
    package static let encoderSpeed = MetricName(
        "millrace_encoder_speed",
        .gauge,
        help: "Seconds of media for a second of work of the slowest encoder; below 1 it cannot keep up, 0 is none."
    )
    package static let picturesDropped = MetricName(
        "millrace_transcoding_dropped_total",
        .counter,
        ["reason"],
        help: "Units and pictures that were not encoded, by reason."
    )

    // Data plane: relay
    package static let relayPulls = MetricName(
        "millrace_relay_pulls",
        .gauge,
        ["tier"],
        help: "Pulls this node makes now, by the tier of the parent."
    )
    package static let relayServed = MetricName(
        "millrace_relay_served",
        .gauge,
        help: "Pulls other nodes make of this one now."
    )
    package static let relayReroutes = MetricName(
        "millrace_relay_reroutes_total",
        .counter,
        ["reason"],
        help: "Pulls that had to look for another parent."
    )

    // Data plane: control plane seen from the worker
    package static let controlRequests = MetricName(
        "millrace_control_requests_total",
        .counter,
        ["operation", "outcome"],
        help: "Requests to the control plane."
    )
    package static let heartbeatsMissed = MetricName(
        "millrace_heartbeats_missed_total",
        .counter,
        help: "Heartbeats that got no answer."
    )
    package static let holds = MetricName(
        "millrace_holds",
        .gauge,
        ["state"],
        help: "Streams owned: held or unconfirmed."
    )
    package static let registered = MetricName(
        "millrace_registered",
        .gauge,
        help: "1 while the control plane knows this node, else 0."
    )

    // Control plane
    package static let apiRequests = MetricName(
        "millrace_api_requests_total",
        .counter,
        ["operation", "status"],
        help: "REST calls answered."
    )
    package static let apiRequestTime = MetricName(
        "millrace_api_request_seconds",
        .histogram,
        ["operation"],
        bounds: seconds,
        help: "Time to answer a REST call."
    )
    package static let storeOperationTime = MetricName(
        "millrace_store_operation_seconds",
        .histogram,
        ["operation"],
        bounds: seconds,
        help: "Time the store took for an operation."
    )
    package static let storeErrors = MetricName(
        "millrace_store_errors_total",
        .counter,
        ["operation"],
        help: "Store operations that failed."
    )
    package static let storeUp = MetricName(
        "millrace_store_up",
        .gauge,
        help: "1 while the store answers, else 0."
    )
    package static let nodes = MetricName(
        "millrace_nodes",
        .gauge,
        ["state"],
        help: "Nodes known, by state."
    )
    package static let clusterStreams = MetricName(
        "millrace_cluster_streams",
        .gauge,
        ["status"],
        help: "Streams known to the cluster, by status."
    )
    package static let claims = MetricName(
        "millrace_claims_total",
        .counter,
        ["outcome"],
        help: "Claims of streams, by outcome."
    )
    package static let routes = MetricName(
        "millrace_routes_total",
        .counter,
        ["tier"],
        help: "Routes given out, by tier; none is an unknown stream."
    )
    package static let scalingCurrent = MetricName(
        "millrace_autoscale_current_nodes",
        .gauge,
        ["group", "role"],
        help: "Nodes that live and were not asked to leave."
    )
    package static let scalingDesired = MetricName(
        "millrace_autoscale_desired_nodes",
        .gauge,
        ["group", "role"],
        help: "Nodes the group should have."
    )
    package static let scalingUtilisation = MetricName(
        "millrace_autoscale_utilisation",
        .gauge,
        ["group", "role"],
        help: "Use of the fullest resource, in the measure of the CPU's target."
    )
    package static let webhookDeliveries = MetricName(
        "millrace_webhook_deliveries_total",
        .counter,
        ["outcome"],
        help: "Attempts to deliver a message to a webhook, by outcome."
    )
    package static let webhookEventsDropped = MetricName(
        "millrace_webhook_events_dropped_total",
        .counter,
        help: "Events not told to a webhook because too many waited or the store was away."
    )
    package static let watchers = MetricName(
        "millrace_watchers",
        .gauge,
        help: "Watch connections open now."
    )

    // Both
    package static let labelSetsDropped = MetricName(
        "millrace_metric_label_sets_dropped_total",
        .counter,
        help: "Label sets folded into the value other because their metric had too many."
    )
    package static let processCPU = MetricName(
        "process_cpu_seconds_total",
        .counter,
        help: "User and system CPU time spent, in seconds."
    )
    package static let processResident = MetricName(
        "process_resident_memory_bytes",
        .gauge,
        help: "Resident memory in bytes."
    )
    package static let processVirtual = MetricName(
        "process_virtual_memory_bytes",
        .gauge,
        help: "Virtual memory in bytes."
    )
    package static let processOpenFiles = MetricName(
        "process_open_fds",
        .gauge,
        help: "Open file descriptors."
    )
    package static let processMaxFiles = MetricName(
        "process_max_fds",
        .gauge,
        help: "File descriptors the process may open."
    )
    package static let processStart = MetricName(
        "process_start_time_seconds",
        .gauge,
        help: "Start of the process, in seconds since the Unix epoch."
    )

    // Data plane: recordings, and servers outside of the cluster
    package static let recordedBytes = MetricName(
        "millrace_recorded_bytes_total",
        .counter,
        help: "Media bytes handed to the disk."
    )
    package static let recordingFailures = MetricName(
        "millrace_recording_failures_total",
        .counter,
        help: "Recordings that ended before their stream did."
    )
    package static let outsideFailures = MetricName(
        "millrace_outside_failures_total",
        .counter,
        ["direction"],
        help: "Connections to servers outside of the cluster that failed or were lost."
    )

    package static let all: [MetricName] = [
        connections, connectionsRefused, protocolErrors, publishers, viewers, streams,
        ingestBytes, egressBytes, viewerSkips, viewersDropped, timelineRepairs, firstFrame,
        segmentsCut, httpRequests, srtPackets, srtPacketsLost, srtPacketsRetransmitted, srtPacketsDropped,
        renditions, renditionsEnded, encodersRefused, encoderQueueDepth, encoderSpeed, picturesDropped,
        recordedBytes, recordingFailures, outsideFailures,
        relayPulls, relayServed, relayReroutes, controlRequests, heartbeatsMissed, holds, registered,
        apiRequests, apiRequestTime, storeOperationTime, storeErrors, storeUp, nodes, clusterStreams, claims, routes,
        scalingCurrent, scalingDesired, scalingUtilisation, webhookDeliveries,
        webhookEventsDropped, watchers,
        labelSetsDropped, processCPU, processResident, processVirtual, processOpenFiles, processMaxFiles, processStart,
    ]

    /// From a tenth of a millisecond, a local store's time, to the 10 s that calls are held at most.
    package static let seconds: [Double] = [
        0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
}
