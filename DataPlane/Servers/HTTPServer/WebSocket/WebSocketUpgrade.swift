import ClusterModel
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Turns a request for `/{app}/websocket` into a WebSocket connection; any other upgrade is ignored, as HTTP has it.
struct WebSocketUpgrade {
    let service: MediaHTTPService
    let limits: WebSocketLimits

    /// Nil where nobody would speak on it. `client` names the peer when the connection is upgraded; `handOver` takes what
    /// served HTTP out of the pipeline.
    func configuration(
        client: @escaping @Sendable (HTTPRequestHead) -> String?,
        handOver: @escaping @Sendable () -> Void
    ) -> NIOHTTPServerUpgradeConfiguration? {
        guard let endpoint = service.webSocket else { return nil }
        let (service, limits) = (service, limits)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: limits.messageBytesMax,
            automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(Self.app(of: head) == nil ? nil : HTTPHeaders())
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    guard let app = Self.app(of: head) else { return }
                    let request = WebSocketRequest(
                        app: app,
                        token: MediaQuery(head.uri.query).token,
                        remoteAddress: client(head)
                    )
                    let pipeline = channel.pipeline.syncOperations
                    let aggregator = NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0,
                        maxAccumulatedFrameCount: limits.framesPerMessageMax,
                        maxAccumulatedFrameSize: limits.messageBytesMax
                    )
                    try pipeline.addHandler(aggregator)
                    let handler = WebSocketHandler(endpoint: endpoint, request: request, limits: limits) { reason in
                        service.meters.badRequest(reason)
                    }
                    try pipeline.addHandler(handler)
                }
            }
        )
        return (upgraders: [upgrader], completionHandler: { _ in handOver() })
    }

    /// The app of `/{app}/websocket`; nil for other paths and for names that no app has.
    private static func app(of head: HTTPRequestHead) -> String? {
        guard case .webSocket(let app) = MediaRoute(path: head.uri.path) else { return nil }
        return app
    }
}

extension String {
    /// Of a request target.
    var path: Substring { prefix { $0 != "?" } }
    var query: Substring { dropFirst(path.count + 1) }
}
