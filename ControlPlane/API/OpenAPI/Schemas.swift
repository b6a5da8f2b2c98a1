import ClusterModel
import Timebase

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// Component schemas, read off one full example of each body: what the API really writes, not what somebody noted.
enum Schemas {
    static let components: [String: JSONValue] = examples.compactMapValues { example in
        guard let data = try? JSONEncoder().encode(example),
            let value = try? JSONDecoder().decode(JSONValue.self, from: data)
        else { return nil }
        return schema(of: value)
    }

    static func schema(of example: JSONValue) -> JSONValue {
        switch example {
        case .null: [:]
        case .bool: ["type": "boolean"]
        case .integer, .unsigned: ["type": "integer"]
        case .number: ["type": "number"]
        case .string: ["type": "string"]
        case .array(let items): ["type": "array", "items": items.first.map(schema) ?? [:]]
        case .object(let fields): ["type": "object", "properties": .object(fields.mapValues(schema))]
        }
    }

    private static let time = WallTime(milliseconds: 1)
    private static let position = StreamPosition(sequence: 1, discontinuity: 1, mediaTime: 1.5)
    private static let track = TrackDescription(
        kind: "video",
        codec: "h264",
        width: 1,
        height: 1,
        sampleRate: 1,
        channels: 1
    )

    private static let settings: AppSettings = {
        var settings = AppSettings()
        settings.mergeWindowMilliseconds = 50
        settings.publisherGrace = 15.5
        settings.pullLinger = 10.5
        settings.hlsSegmentDuration = 2.5
        settings.encoderSettings = [EncoderSetting(height: 720, videoBitrate: 2_500_000, audioBitrate: 128_000)]
        settings.renditionLinger = 30.5
        settings.previewInterval = 5.5
        return settings
    }()

    private static let problem: Problem = {
        var problem = Problem(.streamInUse, status: 409, title: "Stream in use", detail: "…", owner: "origin2")
        problem.lastOwner = addresses
        return problem
    }()

    private static let addresses: NodeAddresses = {
        var addresses = NodeAddresses(host: "10.0.2.21", publicHost: "e21.example.org")
        addresses.http = 5080
        addresses.https = 5443
        addresses.rtmp = 1935
        addresses.rtmps = 8443
        addresses.relay = 5000
        addresses.relayTLS = true
        addresses.srt = 4200
        addresses.webrtc = 50000
        addresses.agent = 5001
        return addresses
    }()

    private static let load: NodeLoad = {
        var load = NodeLoad()
        load.cpu = 0.5
        load.memory = 0.5
        load.encoderUse = 0.5
        return load
    }()

    private static let capacity = NodeCapacity(
        cores: 8,
        egressBitsPerSecond: 5_000_000_000,
        viewers: 3000,
        publishers: 500,
        relayChildren: 32
    )

    private static let node = NodeResource(
        nodeId: "edge21",
        role: .edge,
        group: "region2",
        state: .alive,
        bootId: "b",
        version: "0.1.0",
        addresses: addresses,
        capacity: capacity,
        load: load,
        lastHeartbeatAt: time,
        sessionsLeft: 1,
        safeToTerminate: false,
        streams: 1,
        clockOffsetMilliseconds: 1,
        storeMilliseconds: 1.5,
        closed: closed
    )

    private static let closed = Closed(publish: ["cpu 97 % of 90 %"], play: ["cpu 97 % of 90 %"])

    private static let stream = StreamResource(
        app: "live",
        id: "s1",
        status: .broadcasting,
        epoch: 1,
        originNodeId: "origin1",
        startedAt: time,
        endedAt: time,
        tracks: [track],
        viewers: ViewerCounts(),
        relayTree: [.init(nodeId: "edge21", from: "origin1", group: "region2")],
        recording: RecordingStatus(state: .recording, name: "s1-20261121T120000000", bytes: 1, error: "…"),
        restreams: [RestreamResource(restream, link)],
        source: SourceResource(source, nodeId: "origin1", link),
        encoderSettings: settings.encoderSettings
    )

    private static let restream = Restream(id: "r1", url: "rtmp://live.example.org/app/key")
    private static let source = StreamSource(url: "srt://camera.example.org:4200", mode: .onDemand)
    private static let link = LinkStatus(id: "r1", state: .waiting, failures: 1, error: "…")

    private static let order = StreamOrder(
        app: "live",
        id: "s1",
        recording: true,
        restreams: [restream],
        source: source,
        placedAt: time
    )

    private static let recording = RecordingResource(
        app: "live",
        id: "s1",
        name: "s1-20261121T120000000",
        nodeId: "origin1",
        startedAt: time,
        duration: 1.5,
        bytes: 1,
        storedAt: "s3://bucket/live/s1-20261121T120000000.mp4",
        isUnwanted: true
    )

    private static let heartbeat = Heartbeat(
        bootId: "b",
        load: load,
        holds: [Hold(app: "live", id: "s1", epoch: 1, next: position)],
        pulls: [Pull(app: "live", id: "s1", epoch: 1, from: "origin1")],
        sessions: 1,
        streams: [
            StreamReport(
                app: "live",
                id: "s1",
                epoch: 1,
                viewers: ViewerCounts(),
                segmentFetches: [SegmentFetches(sequence: 1, hls: 1, dash: 1)],
                tracks: [track],
                isBroadcasting: true,
                interruptions: 1
            )
        ],
        sentAt: time,
        relayProbes: RelayProbeReport(surveyId: 1, links: [probed]),
        isDraining: true,
        full: ["cpu 97 % of 90 %"],
        closed: closed,
        renditionsGivenUp: [RenditionChange(app: "live", id: "s1", rendition: "720p2500kbps", number: 1)],
        work: [StreamWork(app: "live", id: "s1", recording: stream.recording, restreams: [link], source: link)]
    )

    private static let target = ProbeTarget(nodeId: "origin1", host: "10.0.1.1", relay: 5000)
    private static let probed = ProbedLink(target: target, outcome: .refused, milliseconds: 1, detail: "…")

    private static let policy: ScalingPolicy = {
        var policy = ScalingPolicy()
        policy.targetCpu = 0.7
        policy.targetViewers = 1
        policy.targetEgressBitsPerSecond = 1
        policy.targetEncoderQueueDepth = 1
        policy.targetEncoderUse = 0.8
        policy.headroom = 0.25
        return policy
    }()

    private static let group = GroupResource(
        name: "region2",
        parent: "region1",
        childrenPerParentMax: 32,
        nodes: 1,
        aliveNodes: 1,
        scaling: ["edge": policy]
    )

    private static let webhook = WebhookResource(
        id: "wh_1",
        url: "https://example.org/hook",
        events: [.nodeDead],
        createdAt: time,
        secret: "whsec_…",
        disabledBecause: "gone"
    )

    private static let scaling = ScalingResource(
        group: "region2",
        role: .edge,
        current: 4,
        desired: 6,
        utilisation: 0.83,
        reasons: ["cpu 0.83 > 0.70 for 3 periods"],
        drainCandidates: ["edge21"],
        leaving: ["edge22"],
        isPolicySet: true,
        policy: policy,
        trail: [
            ScalingDecision(
                at: time,
                current: 4,
                desired: 6,
                utilisation: 0.83,
                reasons: ["r"],
                drained: ["edge21"],
                recalled: ["edge22"]
            )
        ]
    )

    private static let examples: [String: any Encodable & Sendable] = [
        "App": AppResource(app: "live", settings: settings),
        "AppPage": Page(items: [AppResource(app: "live", settings: settings)], nextCursor: "c"),
        "AppSettings": settings,
        "Assignment": Assignment(
            nodeId: "edge21",
            group: "region2",
            urls: ["hls": "http://e21.example.org:5080/live/streams/s1.m3u8"],
            explain: [.init(nodeId: "edge21", score: 0.5, refused: "dead")]
        ),
        "ClaimGrant": ClaimGrant(
            app: "live",
            id: "s1",
            nodeId: "origin1",
            epoch: 1,
            standsByFor: "origin2",
            leaseSeconds: 20,
            resume: position,
            appSettings: settings,
            encoderSettings: settings.encoderSettings,
            order: order
        ),
        "ClaimRequest": ClaimRequest(
            nodeId: "origin1",
            bootId: "b",
            claimId: "c",
            protocol: "rtmp",
            remoteAddress: "203.0.113.9",
            epoch: 1
        ),
        "ClientEndpoint": ClientEndpoint(
            fqdn: "e21.example.org",
            websocketURL: "wss://e21.example.org:5443/live/websocket",
            httpURL: "https://e21.example.org:5443/livez"
        ),
        "CompatibleResult": CompatibleResult(success: true, message: "…"),
        "Group": group,
        "DrainRequest": DrainRequest(),
        "GroupPage": Page(items: [group], nextCursor: "c"),
        "GroupSettings": GroupChange(
            settings: GroupSettings(parent: "region1", childrenPerParentMax: 32, scaling: ["edge": policy]),
            nodes: ["edge21"]
        ),
        "Health": Health(status: "ok"),
        "Heartbeat": heartbeat,
        "HeartbeatAnswer": HeartbeatAnswer(
            state: .alive,
            lost: [LostHold(app: "live", id: "s1", epoch: 1, by: "origin2")],
            directives: [Directive(type: .drain, deadline: 300, hasReplacement: true, surveyId: 1, targets: [target])],
            revision: 1,
            orders: [order],
            unwantedRecordings: ["live/s1-20261121T120000000"]
        ),
        "Node": node,
        "NodePage": Page(items: [node], nextCursor: "c"),
        "NodeRegistered": NodeRegistered(
            nodeId: "edge21",
            group: "region2",
            state: .alive,
            leaseSeconds: 20,
            heartbeatSeconds: 5,
            revision: 1,
            apps: ["live": settings]
        ),
        "NodeRegistration": NodeRegistration(
            bootId: "b",
            role: .edge,
            group: "region2",
            version: "0.1.0",
            addresses: addresses,
            capacity: capacity
        ),
        "Problem": problem,
        "PrometheusTargets": [
            ServiceDiscovery.Target(targets: ["10.0.2.21:5080"], labels: ["__meta_millrace_node": "edge21"])
        ],
        "RelaySurvey": RelaySurvey(
            id: 1,
            startedAt: time,
            pending: ["edge22"],
            links: [.init(from: "edge21", probe: probed)]
        ),
        "ReleaseRequest": ReleaseRequest(
            nodeId: "origin1",
            bootId: "b",
            epoch: 1,
            claimId: "c",
            reason: .unpublished,
            next: position
        ),
        "RouteAnswer": RouteAnswer(
            epoch: 1,
            parent: .init(nodeId: "origin1", host: "10.0.1.1", relay: 5000, relayTLS: true, group: "region1"),
            tier: .origin,
            secondaryForGroup: true,
            ticket: "t",
            revision: 1,
            encoderSettings: settings.encoderSettings
        ),
        "RouteRequest": RouteRequest(nodeId: "edge22", bootId: "b", failed: ["edge21"], haveEpoch: 1),
        "ServerSettings": ServerSettings(nodeGroup: "region2"),
        "Store": StoreResource(
            description: "SQLite millrace.db",
            isReachable: true,
            latencyMilliseconds: 0.5,
            clockOffsetMilliseconds: 1,
            fault: "…"
        ),
        "LeaveAnswer": LeaveAnswer(
            leave: true,
            forScaling: true,
            state: .draining,
            deadline: 300,
            sessionsLeft: 1,
            safeToTerminate: false
        ),
        "Scaling": scaling,
        "ScalingPage": Page(items: [scaling], nextCursor: "c"),
        "ScalingValue": AutoscaleRoutes.KEDAValue(value: 6, metricName: "desired"),
        "ExternalMetrics": ExternalMetricsAPI.Resources(),
        "ExternalMetricValues": ExternalMetricsAPI.Values(.desiredNodes, of: [scaling], at: time),
        "Webhook": webhook,
        "WebhookPage": Page(items: [webhook], nextCursor: "c"),
        "WebhookSettings": WebhookSettings(url: "https://example.org/hook", events: [.nodeDead], secret: "whsec_…"),
        "Recording": recording,
        "RecordingPage": Page(items: [recording], nextCursor: "c"),
        "Restream": RestreamResource(restream, link),
        "RestreamRequest": RestreamRequest(id: "r1", url: restream.url),
        "Stream": stream,
        "StreamSettings": StreamSettings(
            recording: true,
            restreams: [restream],
            source: source,
            encoderSettings: settings.encoderSettings,
            ladderPreset: .standard
        ),
        "StreamPage": Page(items: [stream], nextCursor: "c"),
    ]
}
