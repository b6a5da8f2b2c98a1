package import ClusterModel
package import FanOut
package import Logging
package import NIOCore
import Observability
import ProxyProtocol
package import Streams

/// What the HTTP connections of a worker share.
package struct MediaHTTPService: Sendable {
    package enum Readiness: Hashable, Sendable {
        case ready
        /// What new sessions should go elsewhere, and why; others may come.
        case readyBut(String)
        /// Why new sessions should go elsewhere.
        case notReady(String)
    }

    package typealias ChangeSettings =
        @Sendable (_ body: ByteBuffer, _ authorization: String?) async -> MediaResponse

    package let gate: any StreamGate
    package let flv: OutletTable<FLVFormat>
    package let hls: HLSService
    package let dash: DASHService
    package let logger: Logger
    package let meters: HTTPMeters
    package let readiness: @Sendable () -> Readiness
    package let renderMetrics: @Sendable () -> String
    /// Where REST calls that came here belong.
    package let controlPlaneURL: @Sendable () -> String
    /// Asks the control plane to change this node's settings, with the caller's `Authorization`.
    package let changeSettings: ChangeSettings
    /// Answers WHIP and WHEP; nil where WebRTC is off.
    package let signalling: (any SignallingEndpoint)?
    /// Speaks on `/{app}/websocket`; nil where WebRTC is off.
    package let webSocket: (any WebSocketEndpoint)?
    /// Whether an address is a proxy of ours, whose `X-Forwarded-For` and PROXY protocol are believed.
    package let isTrustedProxy: @Sendable (String) -> Bool
    package let recordings: RecordedFiles
    /// The newest still picture of a stream that this node owns, as JPEG.
    package let preview: @Sendable (StreamID) -> ByteBuffer?

    package init(
        gate: any StreamGate,
        flv: OutletTable<FLVFormat>,
        hls: HLSService,
        logger: Logger,
        meters: HTTPMeters,
        readiness: @escaping @Sendable () -> Readiness,
        renderMetrics: @escaping @Sendable () -> String,
        controlPlaneURL: @escaping @Sendable () -> String,
        changeSettings: @escaping ChangeSettings,
        signalling: (any SignallingEndpoint)? = nil,
        webSocket: (any WebSocketEndpoint)? = nil,
        isTrustedProxy: @escaping @Sendable (String) -> Bool,
        recordings: RecordedFiles,
        preview: @escaping @Sendable (StreamID) -> ByteBuffer?
    ) {
        self.gate = gate
        self.flv = flv
        self.hls = hls
        dash = DASHService(hls: hls)
        self.logger = logger
        self.meters = meters
        self.readiness = readiness
        self.renderMetrics = renderMetrics
        self.controlPlaneURL = controlPlaneURL
        self.changeSettings = changeSettings
        self.signalling = signalling
        self.webSocket = webSocket
        self.isTrustedProxy = isTrustedProxy
        self.recordings = recordings
        self.preview = preview
    }

    func proxyFailed(_ error: ProxyProtocolError, from remote: SocketAddress?) {
        meters.badRequest(error.label)
        logger.notice(
            "proxy closed",
            metadata: [LogKeys.error: "\(error)", LogKeys.remote: "\(remote?.description ?? "?")"]
        )
    }
}
