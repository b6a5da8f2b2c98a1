package import ClusterModel
package import DASH
package import HLS
package import MediaModel
package import NIOCore
package import Streams
import Synchronization

/// What an HLS request asks of a stream.
package enum HLSAsk: Sendable {
    case mediaPlaylist(MediaQuery)
    case multivariantPlaylist(MediaQuery)
    case object(ObjectName)
    /// Of DASH.
    case segment(TimedSegmentName)
}

/// HLS on this node: one packager per stream, made when the first request comes.
package final class HLSService: Sendable {
    private let streams = Mutex<[StreamID: HLSStream]>([:])
    private let gate: any StreamGate
    private let limits: HLSLimits

    package init(gate: any StreamGate, limits: HLSLimits = HLSLimits()) {
        self.gate = gate
        self.limits = limits
    }

    /// Answers once, on any thread.
    package func serve(
        _ ask: HLSAsk,
        _ request: PlayRequest,
        connection: ObjectIdentifier,
        _ answer: @escaping @Sendable (MediaResponse) -> Void
    ) {
        withPackager(for: request) { found in
            switch found {
            case .success(let packager): packager.serve(ask, connection: connection, answer)
            case .failure(let refusal): answer(.refusal(refusal))
            }
        }
    }

    /// What DASH says of a stream or rung. Answers once, on any thread.
    ///
    /// - Parameter waits: for something to say; else that is asked for all the same, so that it goes on being made.
    func describe(
        _ request: PlayRequest,
        waits: Bool = true,
        _ answer: @escaping @Sendable (HLSWant.Description) -> Void
    ) {
        guard waits || streams.withLock({ $0[request.stream] })?.stream.isServing == true else {
            withPackager(for: request) { found in
                if case .success(let packager) = found { packager.describe(waits: false) { _ in } }
            }
            return answer(.response(.refusal(.nothingToDescribe)))
        }
        withPackager(for: request) { found in
            switch found {
            case .success(let packager): packager.describe(waits: waits, answer)
            case .failure(let refusal): answer(.response(.refusal(refusal)))
            }
        }
    }

    /// Has all rungs of a source made, as a request for them does.
    func startRungs(of request: PlayRequest) {
        withPackager(for: request) { found in
            guard case .success(let packager) = found else { return }
            packager.rungs { rungs in
                for rung in rungs {
                    var request = request
                    request.stream = request.stream.derived(.rung(rung))
                    self.describe(request, waits: false) { _ in }
                }
            }
        }
    }

    /// A stream that is packaged here is asked at once; another goes by the gate.
    private func withPackager(
        for request: PlayRequest,
        _ body: @escaping @Sendable (Result<HLSStream, Refusal>) -> Void
    ) {
        let (present, isOfPresentPlayer) = streams.withLock { table in
            // A player may change to another rendition of the stream, or meet it between two owners.
            (table[request.stream], table.keys.contains { $0.source == request.stream.source })
        }
        if let present, present.stream.isServing { return body(.success(present)) }
        var request = request
        request.isOfPresentPlayer = isOfPresentPlayer
        gate.play(request) { found in
            // A finished stream stays readable for a while, unless a new one has taken its name.
            if let present, case .failure(.unknownStream) = found { return body(.success(present)) }
            body(found.map(self.packager(of:)))
        }
    }

    /// The packager of a stream, made if there is none.
    package func packager(of stream: LiveStream) -> HLSStream {
        streams.withLock { table in
            if let present = table[stream.id], present.stream === stream { return present }
            let made = HLSStream(stream: stream, limits: limits) { [weak self] in self?.remove($0) }
            table[stream.id] = made
            return made
        }
    }

    /// Has the window of a stream kept from now on, or only while somebody watches.
    package func keepWindow(of stream: LiveStream, _ isWanted: Bool) {
        if isWanted { return packager(of: stream).keep(true) }
        streams.withLock { $0[stream.id] }?.keep(false)
    }

    /// A stream that nobody watched over HLS stays readable for a while after its end all the same.
    /// Called on its loop, before the stream forgets its last items.
    package func ending(_ stream: LiveStream, _ reason: EndReason) {
        switch reason {
        case .unpublished, .publisherLost: break
        case .fenced, .draining, .removed: return
        }
        guard streams.withLock({ $0.count }) < limits.packagersMax else { return }
        packager(of: stream).startForTheEnd()
    }

    /// First fetches of the newest segments of a stream, for the heartbeat.
    package func segmentFetches(of id: StreamID) -> [SegmentFetches] {
        streams.withLock { $0[id] }?.fetches ?? []
    }

    private func remove(_ stream: HLSStream) {
        streams.withLock { table in
            if table[stream.stream.id] === stream { table[stream.stream.id] = nil }
        }
    }
}

extension Refusal {
    static let nothingToDescribe = Refusal.unavailable("nothing has come of the stream yet")
}

package struct HLSLimits: Sendable {
    /// Without a request for this long nobody watches: players come back at least once a target duration.
    package var idleTimeout = TimeAmount.seconds(10)
    /// How long a live stream's first playlist is awaited (contract §2).
    package var firstSegmentTimeout = TimeAmount.seconds(10)
    /// A parent that does not tell its segment index in time has nothing to add: what came by here is listed alone.
    package var indexTimeout = TimeAmount.seconds(3)
    /// A finished stream stays fetchable this long (contract §4.9).
    package var afterEnd = TimeAmount.seconds(60)
    /// Streams packaged at once, those just ended among them; further ones that end unwatched are not kept.
    package var packagersMax = 2_000
    /// Requests one stream may hold; more are told to come back.
    package var waitingMax = 20_000

    package init() {}
}
