package import ClusterModel
import Drivers
import FanOut
package import Logging
import MediaModel
import Metrics
package import NIOCore
import NIOPosix
package import NIOSSL
import Observability
package import Relay
package import Streams
import Synchronization
package import Timebase

/// Serves this node's streams to other nodes, on the relay port.
package struct RelayService: Sendable {
    let gate: any StreamGate
    let nodeID: String
    let key: RelayKey
    let outlets: RelayOutlets
    let wallClock: @Sendable () -> WallTime
    let logger: Logger
    let limits: RelayLimits
    private let refusalLines = RefusalLines()
    let served = ServedCount(MetricNames.relayServed.gauge())

    /// Pulls of other nodes that are served now.
    package var servedPulls: Int { served.value }

    package init(
        gate: any StreamGate,
        nodeID: String,
        key: RelayKey,
        outlets: RelayOutlets,
        wallClock: @escaping @Sendable () -> WallTime,
        logger: Logger,
        limits: RelayLimits = RelayLimits()
    ) {
        self.gate = gate
        self.nodeID = nodeID
        self.key = key
        self.outlets = outlets
        self.wallClock = wallClock
        self.logger = logger
        self.limits = limits
    }

    /// What a node's lanes allow a child: it must have everything, so it is never skipped ahead.
    static var fanOutLimits: FanOutLimits {
        var limits = FanOutLimits()
        limits.slowViewer = .close
        limits.lagBytesMax = 32 << 20
        limits.ringBytesMax = 48 << 20
        return limits
    }

    /// Decides a pull: the ticket, the stream, the loop check.
    package func open(_ hello: RelayHello) async throws(RelayRefusalError) -> (LiveStream, RelayAccept) {
        let id: StreamID
        do throws(NameError) {
            id = try StreamID(playable: hello.app, id: hello.id)
        } catch { throw RelayRefusalError(.unknownStream, error.description) }
        try check(hello, for: id)
        let stream: LiveStream
        do throws(Refusal) {
            stream = try await gate.relay(id, for: hello.child)
        } catch { throw RelayRefusalError(error.relayCode, error.description) }
        let nodeID = nodeID
        let choice = TrackChoice(hello.tracks)
        let offer = try? await stream.loop.submit { Self.offer(stream, choice, nodeID: nodeID) }.get()
        guard let (accept, here) = offer else {
            throw RelayRefusalError(.unavailable, "stream \(id) has no owner's media here yet: ask again shortly")
        }
        guard here.covers(choice) else {
            throw RelayRefusalError(
                .unavailable,
                "of stream \(id) only some tracks are here: pull it from another node"
            )
        }
        guard !accept.tracks.isEmpty else {
            let wanted = hello.tracks.map { "\($0.value)" }.joined(separator: ", ")
            throw RelayRefusalError(.unavailable, "stream \(id) has none of the tracks asked for (\(wanted)) now")
        }
        if accept.hops.contains(hello.child) {
            let path = accept.hops.joined(separator: " → ")
            throw RelayRefusalError(.loop, "the stream comes here through you (\(path)): pull it from another node")
        }
        if let have = hello.haveEpoch, accept.epoch < have {
            let detail =
                "this node has epoch \(accept.epoch.value), older than yours (\(have.value)): ask for a newer route"
            throw RelayRefusalError(.olderEpoch, detail)
        }
        return (stream, accept)
    }

    private func check(_ hello: RelayHello, for id: StreamID) throws(RelayRefusalError) {
        let isChilds: Bool
        do throws(RelayTicket.Refusal) {
            let ticket = try RelayTicket.verify(hello.ticket, for: id.source, with: key, at: wallClock())
            isChilds = ticket.child == hello.child
        } catch {
            switch error {
            case .expired: throw RelayRefusalError(.expiredTicket, "the ticket has run out: ask for a new route")
            case .malformed, .badSignature:
                throw RelayRefusalError(.badTicket, "the ticket is not ours: do both nodes have the same node token?")
            case .otherStream: throw RelayRefusalError(.badTicket, "the ticket is for another stream than \(id)")
            }
        }
        guard isChilds else {
            throw RelayRefusalError(.badTicket, "the ticket was given to another node: ask for your own")
        }
    }

    /// What the child would get, and what of the stream comes to this node. On the stream's loop. Nil while nothing can be
    /// promised.
    private static func offer(
        _ stream: LiveStream,
        _ choice: TrackChoice,
        nodeID: String
    ) -> (RelayAccept, here: TrackChoice)? {
        guard let epoch = stream.epoch, !stream.tracks.isEmpty else { return nil }
        // Between two parents the way the media will come is unknown: two such nodes would feed each other nothing.
        guard stream.isOwned || stream.upstream != nil else { return nil }
        let accept = RelayAccept(
            epoch: epoch,
            hops: (stream.upstream?.hops ?? []) + [nodeID],
            state: stream.phase == .interrupted ? .interrupted : .broadcasting,
            tracks: choice.of(stream.tracks)
        )
        return (accept, TrackChoice(stream.upstream?.chosenTracks ?? []))
    }

    /// Counts a refusal. How many of its kind went without a log line since the last, nil when this one is to as well.
    func refused(_ reason: String) -> Int? {
        MetricNames.connectionsRefused.counter("relay", reason).increment()
        return refusalLines.admit(reason)
    }

    func protocolError(_ reason: String) { MetricNames.protocolErrors.counter("relay", reason).increment() }

    /// Binds and serves until the returned channel is closed. With `tls`, no pull is served without it.
    package func listen(
        host: String,
        port: Int,
        on group: any EventLoopGroup,
        tls: NIOSSLContext? = nil
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            // What waits unsent in the kernel delays live media: a slice of an object is to find little before it.
            .childChannelOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: limits.unsentBytesMax)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let gate = tls.map(RelayTLSGate.init)
                    let pipeline = channel.pipeline.syncOperations
                    if let gate { try pipeline.addHandler(gate) }
                    let now = channel.eventLoop.instant
                    try pipeline.addHandler(RelayParentConnection(service: self, gate: gate, at: now))
                }
            }
            .bind(host: host, port: port).get()
    }
}

package struct RelayRefusalError: Error {
    package var refusal: RelayRefusal

    init(_ code: RelayRefusal.Code, _ detail: String) { refusal = RelayRefusal(code, detail) }
}

/// Pulls served now, as a gauge.
final class ServedCount: Sendable {
    private let count = Atomic<Int>(0)
    private let gauge: Gauge

    var value: Int { count.load(ordering: .relaxed) }

    init(_ gauge: Gauge) { self.gauge = gauge }

    func change(by step: Int) { gauge.record(count.add(step, ordering: .relaxed).newValue) }
}

extension Refusal {
    fileprivate var relayCode: RelayRefusal.Code {
        switch self {
        case .unknownStream, .badName: .unknownStream
        case .overloaded, .viewersFull: .overloaded
        case .draining: .draining
        case .notMade: .notMade
        case .inUse, .notAnOrigin, .notAnEdge, .unsupportedCodec, .unauthorized, .forbidden, .unavailable: .unavailable
        }
    }
}
