package import ClusterModel
import Drivers
package import MediaModel
import NIOCore
import NIOPosix
package import Relay
package import Streams

/// Makes pulls: one TCP connection to the parent's relay port for each, on the stream's own loop.
package struct RelayPuller: Sendable {
    private static let connectTimeout = TimeAmount.seconds(2)

    private let nodeID: String
    private let trust: RelayTrust
    private let limits: RelayLimits

    package init(nodeID: String, trust: RelayTrust = RelayTrust(), limits: RelayLimits = RelayLimits()) {
        self.nodeID = nodeID
        self.trust = trust
        self.limits = limits
    }

    /// Pulls `stream` from the parent of `route` until the pull ends, whoever ends it. Cancelling the task ends it.
    package func pull(_ stream: LiveStream, route: RouteAnswer, ticket: String) async -> PullEnd {
        await pull(stream, route: route, ticket: ticket, tracks: [])
    }

    /// As above, but only these tracks; all when none are named.
    package func pull(
        _ stream: LiveStream,
        route: RouteAnswer,
        ticket: String,
        tracks: [TrackID]
    ) async -> PullEnd {
        let parent = route.parent
        let usesTLS = parent.relayTLS == true
        if trust.requiresTLS, !usesTLS {
            return .lost(
                "the relay port of \(parent.nodeId) is plain, and --relay-tls here wants TLS: set it there too"
            )
        }
        let hello = await stream.loop.flatSubmit { [nodeID] in
            stream.loop.makeSucceededFuture(
                RelayHello(pulling: stream, along: route, child: nodeID, ticket: ticket, tracks: tracks)
            )
        }.value
        let (ends, continuation) = AsyncStream.makeStream(of: RelayPull.End.self, bufferingPolicy: .bufferingOldest(1))
        guard let hello else { return .lost("the event loop is closing") }
        let pull = RelayPull(stream: stream, hello: hello, limits: limits, at: stream.loop.instant) { end in
            continuation.yield(end)
            continuation.finish()
        }
        let trust = trust
        let bootstrap = ClientBootstrap(group: stream.loop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if usesTLS { try pipeline.addHandler(trust.handler(for: parent.host)) }
                    try pipeline.addHandler(pull)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: parent.host, port: parent.relay).get()
        } catch {
            return .lost("no connection to \(parent.host):\(parent.relay) (\(error))")
        }
        return await withTaskCancellationHandler {
            for await end in ends { return PullEnd(end) }
            // The task was cancelled: the pull is told by the handler below and says so itself.
            await stream.loop.flatSubmit { stream.loop.makeSucceededFuture(pull.stop()) }.finished()
            return .stopped
        } onCancel: {
            stream.loop.execute {
                pull.stop()
                channel.close(promise: nil)
            }
        }
    }
}

extension RelayHello {
    /// What a child says to the parent of `route`. Whoever has heard of an epoch, from a parent or with the route, takes no
    /// older one. On the stream's loop.
    package init(
        pulling stream: LiveStream,
        along route: RouteAnswer,
        child: String,
        ticket: String,
        tracks: [TrackID] = []
    ) {
        let told = Epoch(route.epoch)
        self.init(
            app: stream.id.app,
            id: stream.id.id,
            child: child,
            ticket: ticket,
            haveEpoch: stream.epoch.map { max($0, told) } ?? told,
            tracks: tracks
        )
    }
}

/// How a pull ended.
package enum PullEnd: Hashable, Sendable {
    /// No connection, no valid answer, or silence.
    case lost(String)
    /// The parent answered no.
    case refused(RelayRefusal)
    /// The parent said that the stream, or its part in it, is over.
    case ended(EndReason)
    /// This node wanted no more.
    case stopped

    init(_ end: RelayPull.End) {
        switch end {
        case .lost(let reason): self = .lost(reason)
        case .refused(let refusal): self = .refused(refusal)
        case .ended(let reason): self = .ended(reason)
        case .stopped: self = .stopped
        }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The value, or nil when the loop is shutting down.
    fileprivate var value: Value? {
        get async { try? await get() }
    }

    fileprivate func finished() async { _ = try? await get() }
}
