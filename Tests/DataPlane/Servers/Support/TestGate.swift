import ClusterModel
import HLS
import HTTPServer
import MediaModel
import NIOCore
import Streams
import Synchronization
import Timebase

/// A gate without a control plane: the first publisher of a name owns it, and `refusal` overrules everything.
final class TestGate: StreamGate {
    struct State {
        var streams: [StreamID: LiveStream] = [:]
        var refusal: Refusal?
        /// Of streams that have finished.
        var lastOwner: NodeAddresses?
        var settings = AppSettings()
        /// How each publisher left, in order.
        var ends: [End] = []
        var lastEpoch: Int64 = 0
        var requests: [PlayRequest] = []
        var publications: [StreamID: Publication] = [:]
    }

    enum End: Equatable {
        case clean
        case broken
    }

    let state = Mutex(State())

    func stream(_ id: StreamID) -> LiveStream? { state.withLock { $0.streams[id] } }
    var ends: [End] { state.withLock { $0.ends } }

    func publish(_ request: PublishRequest, on loop: any EventLoop) async throws(Refusal) -> Publication {
        let id = request.stream
        let decided: Result<(LiveStream, Epoch), Refusal> = state.withLock { state in
            if let refusal = state.refusal { return .failure(refusal) }
            if state.streams[id] != nil { return .failure(.inUse(id, owner: "o1")) }
            let stream = LiveStream(id: id, loop: loop)
            state.streams[id] = stream
            state.lastEpoch += 1
            return .success((stream, Epoch(state.lastEpoch)))
        }
        let (stream, epoch) = try decided.get()
        let settings = state.withLock { $0.settings }
        let cutter = PlainCutter(cutter: SegmentCutter(settings: PackagingSettings(settings), resume: .start))
        loop.execute { stream.beginTenure(epoch: epoch, resume: .start, settings: settings, cutter: cutter) }
        let wallClock: @Sendable () -> WallTime = { WallTime(milliseconds: 1_000_000) }
        let publication = Publication(stream: stream, epoch: epoch, wallClock: wallClock) { publication, isClean in
            self.state.withLock { $0.ends.append(isClean ? .clean : .broken) }
            publication.stream.loop.execute {
                if isClean { self.end(publication.stream, .unpublished) } else { publication.stream.interrupt() }
            }
        }
        state.withLock { $0.publications[id] = publication }
        return publication
    }

    func play(_ request: PlayRequest) async throws(Refusal) -> LiveStream {
        state.withLock { $0.requests.append(request) }
        return try await relay(request.stream, for: "")
    }

    func relay(_ id: StreamID, for child: String) async throws(Refusal) -> LiveStream {
        let decided: Result<LiveStream, Refusal> = state.withLock { state in
            if let refusal = state.refusal { return .failure(refusal) }
            return state.streams[id].map { .success($0) } ?? .failure(.unknownStream(id))
        }
        return try decided.get()
    }

    func lastOwner(of stream: StreamID) async -> NodeAddresses? { state.withLock { $0.lastOwner } }

    /// The stream is over. On its loop.
    func end(_ stream: LiveStream, _ reason: EndReason) {
        state.withLock { $0.streams[stream.id] = nil }
        stream.end(reason)
    }

    /// A stream without a publisher's connection, which the test feeds by `ingest` on the stream's loop.
    func addStream(_ id: StreamID, on loop: any EventLoop) async throws -> LiveStream {
        let request = PublishRequest(stream: id, protocol: .rtmp, remoteAddress: nil, token: nil)
        return try await publish(request, on: loop).stream
    }
}
