import ClusterModel
import DTLS
import FanOut
import Foundation
import HTTPClient
import HTTPServer
import LibAV
import Logging
import NIOCore
import NIOPosix
import ObjectStore
import Observability
import OutsideLinks
import Previews
import RTMPServer
import Recorder
import Recording
import RelayService
import Renditions
import SRTP
import SRTServer
import SecureTransport
import Settings
import Streams
import Synchronization
import Timebase
import WebRTCServer

/// The parts of a worker, joined.
struct WorkerNode {
    let client: ControlPlaneClient
    let http: MediaHTTPServer
    let rtmp: RTMPServer
    let relay: RelayService
    let srt: SRTServer
    let agent: AgentServer
    let webRTC: WebRTCServer

    private let configuration: WorkerConfiguration
    private let controlPlanes: LocatedControlPlanes
    private let identity: NodeIdentity
    private let coordinator: StreamCoordinator
    private let recordings: RecordingService
    private let tasks: StreamTasks
    private let previews: PreviewService
    private let files: NIOThreadPool
    private let outside: HTTPClient
    private let hls: HLSService
    private let load: LoadSampler
    private let directory: StateDirectory
    private let clock: WorkerClock
    private let membership: MembershipSlot
    private let webRTCService: WebRTCService
    private let trust: RelayTrust
    private let logger: Logger

    init(
        configuration: WorkerConfiguration,
        controlPlanes: LocatedControlPlanes,
        trust: RelayTrust,
        group: any EventLoopGroup,
        metrics: PrometheusMetrics,
        logger: Logger
    ) throws {
        guard let token = configuration.nodeToken?.revealed else {
            let reason = "not set; set MILLRACE_NODE_TOKEN or --node-token-file to the control plane's node token"
            throw SettingsError.conflict(setting: "--node-token-file", reason: reason)
        }
        self.configuration = configuration
        self.logger = logger
        directory = try Self.stateDirectory(configuration)
        identity = try Self.identity(configuration, RelayKey(nodeToken: token), directory)
        let known = directory.knownMap()
        if !known.routes.isEmpty {
            logger.notice(
                "Streams known from before are served also while no control plane answers",
                metadata: [LogKeys.count: "\(known.routes.count)"]
            )
        }
        clock = .system
        let client = ControlPlaneClient(urls: controlPlanes.urls, nodeToken: token, logger: logger)
        self.client = client
        self.controlPlanes = controlPlanes
        let parts = StreamParts()
        coordinator = StreamCoordinator(
            identity: identity,
            registry: StreamRegistry(),
            control: client,
            puller: RelayPuller(nodeID: identity.nodeID, trust: trust),
            deriver: RenditionService(codecs: LibAVCodecs(), logger: logger),
            clock: clock,
            logger: logger,
            group: group,
            makeCutter: { RetainingCutter(resume: $0, settings: $1) },
            servers: parts,
            known: known,
            intake: Intake(viewersMax: configuration.limits.viewers),
            publishersMax: configuration.limits.publishers
        )
        let files = NIOThreadPool(numberOfThreads: Self.fileThreads)
        files.start()
        self.files = files
        let outside = HTTPClient(name: "outside", limits: Self.outsideLimits)
        self.outside = outside
        let wall = clock.wall
        hls = HLSService(gate: coordinator)
        recordings = RecordingService(
            settings: configuration.recordings,
            nodeID: identity.nodeID,
            catalog: ControlPlaneCatalog(client: client),
            store: configuration.objectStore.map {
                S3Store($0, http: outside, threads: files, wall: wall)
            },
            wall: clock.wall,
            logger: logger
        )
        let previews = PreviewService(codecs: LibAVCodecs(), logger: logger)
        self.previews = previews
        tasks = StreamTasks(
            recordings: recordings,
            restreams: RestreamService(gate: coordinator, egress: parts.restreamEgress, logger: logger),
            sources: SourceService(gate: coordinator, group: group, http: outside, logger: logger),
            previews: previews,
            keepWindow: { [hls] in hls.keepWindow(of: $0, $1) },
            now: clock.now
        )
        parts.join(tasks)
        let slot = MembershipSlot()
        membership = slot
        self.trust = trust
        parts.join(hls)
        let isTrustedProxy: @Sendable (String) -> Bool = { [proxies = configuration.trustedProxies] text in
            IPAddress(text).map { address in proxies.contains { $0.contains(address) } } ?? false
        }
        load = LoadSampler(memoryBudgetBytes: configuration.memoryBudgetBytes) { parts.sentBytes }
        let weight = Mutex(AgentWeight())
        agent = AgentServer {
            let weight = weight.withLock { weight in
                weight.update(utilisation: slot.utilisation)
                return weight
            }
            return AgentWord.text(slot.readiness, weight, takesPlayers: configuration.role.takesPlayers)
        }
        webRTCService = try Self.webRTC(coordinator, identity, parts, clock, client, configuration.iceServers, logger)
        webRTC = WebRTCServer(service: webRTCService)
        http = MediaHTTPServer(
            service: MediaHTTPService(
                gate: coordinator,
                flv: parts.flv,
                hls: hls,
                logger: logger,
                meters: parts.http,
                readiness: { slot.readiness },
                renderMetrics: { metrics.render() },
                controlPlaneURL: { client.currentURL },
                changeSettings: { [nodeID = identity.nodeID] body, authorization in
                    await client.settingsAnswer(for: nodeID, body, authorization)
                },
                signalling: configuration.ports.webrtc == 0 ? nil : webRTCService,
                webSocket: configuration.ports.webrtc == 0 ? nil : webRTCService,
                isTrustedProxy: isTrustedProxy,
                recordings: RecordedFiles(threads: files) { [directory = recordings.directory] app, name in
                    directory.file(app: app, name: name)
                },
                preview: { previews.picture(of: $0) }
            )
        )
        rtmp = RTMPServer(
            service: RTMPService(
                gate: coordinator,
                outlets: parts.rtmp,
                logger: logger,
                isTrustedProxy: isTrustedProxy
            )
        )
        srt = SRTServer(
            service: SRTService(
                gate: coordinator,
                screen: coordinator.screen,
                outlets: parts.srt,
                logger: logger,
                group: group,
                takesPublishers: identity.role.takesPublishers
            )
        )
        relay = RelayService(
            gate: coordinator,
            nodeID: identity.nodeID,
            key: identity.relayKey,
            outlets: parts.relay,
            wallClock: clock.wall,
            logger: logger
        )
    }

    /// The node's membership under the addresses that listen.
    func join(as addresses: NodeAddresses) -> Membership {
        let prober = RelayProber(nodeID: identity.nodeID, key: identity.relayKey, trust: trust)
        let made = Membership(
            nodeID: identity.nodeID,
            registration: NodeRegistration(
                bootId: identity.bootID,
                role: identity.role,
                group: configuration.group,
                version: WorkerVersion.current,
                addresses: addresses,
                capacity: NodeCapacity(
                    cores: configuration.threads ?? System.coreCount,
                    egressBitsPerSecond: configuration.limits.egressBitsPerSecond,
                    viewers: configuration.limits.viewers,
                    publishers: configuration.limits.publishers
                )
            ),
            client: client,
            controlPlanes: controlPlanes,
            coordinator: coordinator,
            tasks: tasks,
            hls: hls,
            load: load,
            limits: configuration.limits,
            surveyor: RelaySurveyor(clock: clock, probe: { await prober.probe($0) }),
            relayChildren: { [relay] in relay.servedPulls },
            directory: directory,
            clock: clock,
            logger: logger
        )
        membership.fill(made)
        recordings.recover()
        return made
    }

    func endWebRTCSessions() { webRTCService.closeAll() }

    private static func webRTC(
        _ coordinator: StreamCoordinator,
        _ identity: NodeIdentity,
        _ parts: StreamParts,
        _ clock: WorkerClock,
        _ client: ControlPlaneClient,
        _ iceServers: [ICEServer],
        _ logger: Logger
    ) throws -> WebRTCService {
        let certificate: DTLSContext
        do throws(DTLSError) {
            certificate = try DTLSContext()
        } catch {
            throw SettingsError.conflict(setting: "--webrtc-port", reason: error.description)
        }
        let ingestSRTP: IngestSRTP
        do throws(SRTPError) {
            ingestSRTP = try IngestSRTP()
        } catch {
            throw SettingsError.conflict(setting: "--webrtc-port", reason: error.description)
        }
        return WebRTCService(
            WebRTCService.Parts(
                gate: coordinator,
                nodeID: identity.nodeID,
                outlets: parts.webRTC,
                egress: parts.webRTCEgress,
                dtls: certificate,
                srtp: EVPSRTP(),
                ingestSRTP: ingestSRTP,
                logger: logger,
                wallClock: clock.wall,
                // The control plane knows where every node is, and sends the client on.
                originOfNode: { _ in client.currentURL },
                iceServers: iceServers
            )
        )
    }

    /// Completes the files of recordings.
    func close() async {
        await recordings.close()
        await previews.close()
        outside.shutdown()
        client.shutdown()
        try? await files.shutdownGracefully()
    }

    /// Readers of recordings that wait for the disk at once; more would only wait for each other.
    private static let fileThreads = 2

    private static let outsideLimits: HTTPClientLimits = {
        var limits = HTTPClientLimits()
        limits.connectTimeout = .seconds(10)
        // A segment of a source: 10 s of 50 Mbit/s.
        limits.responseBodyBytesMax = 64 << 20
        return limits
    }()

    private static func stateDirectory(_ configuration: WorkerConfiguration) throws -> StateDirectory {
        do throws(StateDirectory.Fault) {
            return try StateDirectory(path: configuration.stateDirectory)
        } catch {
            throw SettingsError.conflict(setting: "--state-dir", reason: error.description)
        }
    }

    private static func identity(
        _ configuration: WorkerConfiguration,
        _ key: RelayKey,
        _ directory: StateDirectory
    ) throws -> NodeIdentity {
        let nodeID: String
        do throws(StateDirectory.Fault) {
            nodeID = try directory.nodeID(chosen: configuration.nodeID) {
                "\(configuration.role.rawValue)-\(UUID().uuidString.prefix(8).lowercased())"
            }
        } catch {
            throw SettingsError.conflict(setting: "--state-dir", reason: error.description)
        }
        return NodeIdentity(
            nodeID: nodeID,
            bootID: UUID().uuidString.lowercased(),
            role: configuration.role,
            relayKey: key,
            makeID: { UUID().uuidString.lowercased() }
        )
    }
}

package enum WorkerVersion {
    package static let current = "0.1.0"
}

/// The outlets of all formats on this node, and what they must know of streams.
private final class StreamParts: StreamServers {
    let rtmp: OutletTable<RTMPFormat>
    let flv: OutletTable<FLVFormat>
    let srt: SRTOutlets
    let relay: RelayOutlets
    let webRTC = PeerOutletTable()
    let webRTCEgress = EgressMeter(protocolName: "webrtc")
    let restreamEgress = EgressMeter(protocolName: "restream")
    let http = HTTPMeters()
    private let egress: [EgressMeter]
    private let hls = Mutex<HLSService?>(nil)
    private let tasks = Mutex<StreamTasks?>(nil)

    init() {
        let loads = LoopLoads()
        let (rtmpMeters, flvMeters) = (FanOutMeters(protocolName: "rtmp"), FanOutMeters(protocolName: "http-flv"))
        let relayMeters = FanOutMeters(protocolName: "relay")
        rtmp = OutletTable { Outlet(stream: $0, loads: loads, meters: rtmpMeters) { RTMPFormat() } }
        flv = OutletTable { Outlet(stream: $0, loads: loads, meters: flvMeters) { FLVFormat() } }
        let srtMeters = FanOutMeters(protocolName: "srt")
        srt = SRTOutlets(meters: srtMeters)
        relay = RelayOutlets(loads: loads, meters: relayMeters)
        let lanes = [rtmpMeters, flvMeters, srtMeters, relayMeters].map(\.egress)
        egress = lanes + http.egress + [webRTCEgress, restreamEgress]
    }

    /// By all protocols.
    var sentBytes: Int { egress.reduce(0) { $0 + $1.totalBytes } }

    func join(_ service: HLSService) { hls.withLock { $0 = service } }
    func join(_ tasks: StreamTasks) { self.tasks.withLock { $0 = tasks } }

    func owned(_ stream: LiveStream, _ order: StreamOrder?) { tasks.withLock { $0 }?.owned(stream, order) }

    func opened(_ stream: LiveStream) {
        tasks.withLock { $0 }?.opened(stream)
        let hls = hls.withLock { $0 }
        stream.onEnding = { [weak stream] reason in
            if let stream { hls?.ending(stream, reason) }
        }
        // Children that want older segments need this node to package, also when nobody asks here.
        stream.onObjectInterestChanged = { [weak stream] isWanted in
            if isWanted, let stream { hls?.packager(of: stream).startForChildren() }
        }
    }

    func closed(_ stream: LiveStream) {
        rtmp.remove(stream)
        flv.remove(stream)
        srt.remove(stream)
        webRTC.remove(stream)
        tasks.withLock { $0 }?.closed(stream)
    }
}

/// Holds the membership that is made only once the listeners have their ports, for those who were made before.
private final class MembershipSlot: Sendable {
    private let slot = Mutex<Membership?>(nil)

    func fill(_ membership: Membership) { slot.withLock { $0 = membership } }

    var readiness: MediaHTTPService.Readiness {
        slot.withLock { $0 }?.readiness ?? .notReady("starting")
    }

    var utilisation: Double { slot.withLock { $0 }?.utilisation ?? 0 }
}

extension ControlPlaneClient {
    /// What the caller of this node's settings call is told.
    fileprivate func settingsAnswer(
        for nodeID: String,
        _ body: ByteBuffer,
        _ authorization: String?
    ) async -> MediaResponse {
        do throws(ControlPlaneError) {
            let answer = try await changeSettings(
                of: nodeID,
                Array(body.readableBytesView),
                authorization: authorization
            )
            return .json(ByteBuffer(bytes: answer))
        } catch {
            switch error {
            case .refused(let problem): return .problem(problem)
            case .superseded, .unavailable: return .refusal(.unavailable(error.description))
            }
        }
    }
}

extension WorkerClock {
    /// The machine's clocks.
    static var system: WorkerClock {
        WorkerClock(
            now: { MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)) },
            wall: { WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
            sleep: { duration in
                do {
                    try await Task.sleep(for: duration)
                    return true
                } catch { return false }
            }
        )
    }
}
