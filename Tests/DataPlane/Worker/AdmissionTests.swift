import ClusterModel
import HTTPServer
import MediaModel
import NIOCore
import Renditions
import Streams
import Testing
import Timebase
import Worker

@Suite struct AdmissionTests {
    private static let limits = AdmissionLimits(
        cpu: 0.9,
        memory: 0.9,
        egressBitsPerSecond: 1_000_000_000,
        publishers: 10,
        viewers: 100,
        encoderQueueDepth: 24,
        encoderUse: 0.95
    )

    private static func load(
        cpu: Double = 0,
        memory: Double = 0,
        egress: Int64 = 0,
        publishers: Int = 0,
        viewers: Int = 0,
        encoderQueueDepth: Int = 0,
        encoderUse: Double = 0
    ) -> NodeLoad {
        var load = NodeLoad()
        load.cpu = cpu
        load.memory = memory
        load.egressBitsPerSecond = egress
        load.publishers = publishers
        load.viewers.rtmp = viewers
        load.encoderQueueDepth = encoderQueueDepth
        load.encoderUse = encoderUse
        return load
    }

    @Test(
        arguments: [
            (load(), []), (load(cpu: 0.89, memory: 0.89, egress: 999_999_999, publishers: 9, viewers: 99), []),
            (load(cpu: 0.9), ["cpu 90 % of 90 %"]), (load(memory: 0.95), ["memory 95 % of 90 %"]),
            (load(egress: 1_200_000_000), ["egress 1200 Mbit/s of 1000 Mbit/s"]),
            (load(publishers: 10), ["10 of 10 publishers"]), (load(encoderQueueDepth: 23), []),
            (load(encoderQueueDepth: 24), ["24 of 24 pictures wait for encoders"]), (load(encoderUse: 0.94), []),
            (load(encoderUse: 1), ["the slowest encoder works 100 % of the time, of 95 %"]),
            (load(cpu: 1, viewers: 100), ["cpu 100 % of 90 %", "100 of 100 viewers"]),
        ] as [(NodeLoad, [String])]
    )
    func `A limit that is reached is told in words`(load: NodeLoad, reasons: [String]) {
        var admission = Admission(limits: Self.limits)
        admission.judge(load)
        #expect(admission.full.map(\.reason) == reasons)
    }

    @Test func `A full node takes more only when well below the limit`() {
        var admission = Admission(limits: Self.limits)
        let isFull = [0.85, 0.91, 0.89, 0.82, 0.80, 0.85, 0.9].map { cpu in
            admission.judge(Self.load(cpu: cpu))
            return !admission.full.isEmpty
        }
        #expect(isFull == [false, true, true, true, false, false, true])
    }

    /// New sessions are shared out by what is left of it.
    @Test(arguments: [
        (load(cpu: 0.45, memory: 0.2), 0.5), (load(cpu: 0.1, viewers: 75), 0.75), (load(publishers: 12), 1.2),
    ])
    func `The fullest resource is told as a share of its limit`(load: NodeLoad, share: Double) {
        var admission = Admission(limits: Self.limits)
        admission.judge(load)
        #expect(abs(admission.utilisation - share) < 1e-9)
        var unlimited = Admission(limits: AdmissionLimits())
        unlimited.judge(load)
        #expect(unlimited.utilisation == max(load.cpu, load.memory))
    }

    @Test func `Without limits nothing is ever full`() {
        var admission = Admission(limits: AdmissionLimits())
        admission.judge(Self.load(cpu: 2, memory: 2, egress: .max, publishers: .max, viewers: 1_000_000))
        #expect(admission.full.isEmpty)
    }

    private static let publishers = Closed(publish: ["r"])
    private static let players = Closed(play: ["r"])
    private static let all = Closed(publish: ["r"], play: ["r"])

    @Test(
        arguments: [
            (.cpu, .hybrid, all, .notReady("full: r")), (.memory, .edge, players, .notReady("full: r")),
            (.publishers, .hybrid, publishers, .readyBut("full for publishers: r")),
            (.viewers, .hybrid, players, .readyBut("full for players: r")),
            (.publishers, .origin, publishers, .notReady("full: r")),
            (.viewers, .edge, players, .notReady("full: r")), (.viewers, .origin, Closed(), .ready),
            (.encoders, .hybrid, publishers, .readyBut("full for publishers: r")),
            (.encoders, .origin, publishers, .notReady("full: r")), (.encoders, .edge, Closed(), .ready),
            (.encoderUse, .origin, publishers, .notReady("full: r")), (.encoderUse, .edge, Closed(), .ready),
        ] as [(Admission.Resource, NodeRole, Closed, MediaHTTPService.Readiness)]
    )
    func `A node tells what it is closed to, and is not ready when nothing it is for is let in`(
        resource: Admission.Resource,
        role: NodeRole,
        closed: Closed,
        readiness: MediaHTTPService.Readiness
    ) {
        let intake = Intake()
        #expect(intake.setFull([Admission.Full(resource: resource, reason: "r")]))
        #expect(intake.closed(for: role) == closed)
        #expect(MediaHTTPService.Readiness(closed: closed, role: role) == readiness)
        #expect(intake.refusal(of: .nextObject) == nil, "what runs is never touched")
    }

    @Test func `Two limits of two kinds close a hybrid, each with its reason`() {
        let intake = Intake()
        _ = intake.setFull([
            Admission.Full(resource: .publishers, reason: "p"), Admission.Full(resource: .viewers, reason: "v"),
        ])
        let closed = intake.closed(for: .hybrid)
        #expect(closed == Closed(publish: ["p"], play: ["v"]))
        #expect(MediaHTTPService.Readiness(closed: closed, role: .hybrid) == .notReady("full: p, v"))
        #expect(intake.refusal(of: .play) == .overloaded("v") && intake.refusal(of: .publish) == .overloaded("p"))
    }

    @Test func `A burst of players between two counts is held to the limit too`() {
        let intake = Intake(viewersMax: 10)
        intake.counted(viewers: 7)
        #expect((0..<5).map { _ in intake.admitPlayer() == nil } == [true, true, true, false, false])
        intake.counted(viewers: 9)
        #expect(intake.admitPlayer() == nil)
        #expect(intake.admitPlayer() == .viewersFull("10 of 10 viewers"))
    }

    @Test func `Who asks for what there is not takes nobody's place`() async throws {
        let node = try TestNode(viewersMax: 2)
        let publication = try await node.publish()
        try await publication.stream.loop.submit {
            publication.stream.ingest([.tracks([Track(id: .video, codec: .data)])], at: WallTime(milliseconds: 0))
        }.get()
        for number in 1...5 {
            let rung = node.id.derived(.rung("\(number)p1kbps"))
            node.deriver.end(.unknown)
            let request = PlayRequest(stream: rung, protocol: .hls, remoteAddress: nil, token: nil)
            await #expect(throws: Refusal.unknownStream(rung)) { try await node.coordinator.play(request) }
        }
        for _ in 0..<2 { #expect(try await node.play() === publication.stream) }
        await #expect(throws: Refusal.viewersFull("2 of 2 viewers")) { try await node.play() }
    }

    @Test func `Players that are let in and not there yet are told apart from viewers`() async throws {
        let node = try TestNode()
        let publication = try await node.publish()
        publication.stream.expectViewers(2)
        publication.stream.countViewers(3, of: .webrtc)
        let report = await node.coordinator.report { _ in [] }
        #expect(report.viewers.total == 3 && report.expectedViewers == 2)
    }

    @Test func `Publishers are counted one by one`() async throws {
        let node = try TestNode(publishersMax: 1)
        _ = try await node.publish()
        await #expect(throws: Refusal.overloaded("1 of 1 publishers")) { try await node.publish() }
    }
}
