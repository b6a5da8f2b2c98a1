package import ClusterModel
import Logging
import NIOCore
import Observability
package import Streams
import Timebase

/// Answers players and child nodes: the stream as they can take it, opened if it is not here.
extension StreamCoordinator {
    package nonisolated func play(_ request: PlayRequest) async throws(Refusal) -> LiveStream {
        guard !request.isOfPresentPlayer else {
            if let refusal = intake.refusal(of: .nextObject) { throw refusal }
            return try await find(request)
        }
        if let refusal = intake.refusalOfPlayer { throw refusal }
        let stream = try await find(request)
        // Who asks for what cannot be had takes nobody's place.
        if let refusal = intake.admitPlayer() { throw refusal }
        return stream
    }

    private nonisolated func find(_ request: PlayRequest) async throws(Refusal) -> LiveStream {
        let here = registry[request.stream].flatMap { $0.isServing ? $0 : nil }
        let stream: LiveStream
        if let here { stream = here } else { stream = try await open(request.stream) }
        if let form = await form(of: stream, for: request) {
            var request = request
            request.stream = form
            request.isOfPresentPlayer = true
            // A node that cannot make it serves what there is.
            do throws(Refusal) { return try await play(request) } catch {
                logger.notice(
                    "not to be had as its players need it",
                    metadata: [LogKeys.stream: "\(form)", LogKeys.error: "\(error)"]
                )
            }
        }
        if let refusal = stream.refusal(of: request.protocol) { throw refusal }
        return stream
    }

    /// What is derived of a stream for players of a protocol; nil when they take it as it is.
    private nonisolated func form(of stream: LiveStream, for request: PlayRequest) async -> StreamID? {
        var form = stream.id
        if request.needsSlices {
            if form.derivation == nil { form = form.derived(.sliced) }
        } else if await needsOtherPictures(stream, request.protocol) {
            form = form.derived(.inOrder(rung: nil))
        }
        if let codec = stream.soundNeeded(by: request.protocol) { form = form.derived(.sound(codec)) }
        return form == stream.id || form.derivation == nil ? nil : form
    }

    /// Browsers' WebRTC shows pictures in the order they come in; VP8 only WebRTC carries, VP9 and AV1 not all others.
    private nonisolated func needsOtherPictures(_ stream: LiveStream, _ kind: ClientProtocol) async -> Bool {
        guard kind == .webrtc else { return stream.refusal(of: kind) != nil }
        // The loop outlives its streams, so there is nothing to fail.
        return (try? await stream.loop.submit { stream.hasReorderedPictures }.get()) ?? false
    }

    package nonisolated func relay(_ id: StreamID, for child: String) async throws(Refusal) -> LiveStream {
        if let stream = registry[id], stream.isServing { return stream }
        if await isAsking(child, for: id) {
            throw .unavailable("this node asks you for the stream: it has nothing to give")
        }
        // Only what is here already: a node that is full or leaves is nobody's new way to a stream.
        if let refusal = intake.refusal(of: .play) { throw refusal }
        return try await open(id, isForChild: true)
    }

    package func lastOwner(of id: StreamID) async -> NodeAddresses? { screen.lastOwner(of: id) }

    /// Two nodes that ask each other would wait for each other.
    private func isAsking(_ parent: String, for id: StreamID) -> Bool {
        pulls[id]?.route?.parent.nodeId == parent
    }

    func open(_ id: StreamID, isForChild: Bool = false) async throws(Refusal) -> LiveStream {
        if let stream = registry[id], stream.isServing { return stream }
        guard !isDraining else { throw .draining }
        if pulls[id] == nil {
            if holds[id] == nil, screen.isUnknown(id) { throw .unknownStream(id) }
            let stream = place(for: id)
            // A hold whose publisher has not sent its tracks yet: players wait like for a pull's first media.
            if holds[id] == nil { startPull(of: stream) } else { watchForTracks(of: stream) }
        }
        let result: Result<LiveStream, Refusal> = await withCheckedContinuation { continuation in
            if pulls[id] == nil {
                continuation.resume(returning: .failure(.unknownStream(id)))
            } else if isForChild {
                letChildWait(continuation, for: id)
            } else {
                pulls[id]?.waiting.append(continuation)
            }
        }
        return try result.get()
    }

    func place(for id: StreamID) -> LiveStream {
        findOrAdd(id, on: group.next()).stream
    }

    /// Gives up on players that wait too long for a stream that is being opened.
    static let openTimeout = Duration.seconds(10)

    func watchForTracks(
        of stream: LiveStream,
        for waiting: [CheckedContinuation<Result<LiveStream, Refusal>, Never>] = []
    ) {
        pulls[stream.id] = PullState(stream: stream, startedAt: clock.now(), waiting: waiting)
        let task = Task {
            await self.notifyWhenServing(stream)
            guard await self.clock.sleep(Self.openTimeout) else { return }
            self.answerWaiting(for: stream.id, .failure(.unavailable("the publisher has sent no media yet")))
            self.pulls[stream.id] = nil
        }
        pulls[stream.id]?.task = task
    }

    /// The hold that players waited on is over: takes its entry out and hands back those who still wait.
    func stopWatching(_ id: StreamID) -> [CheckedContinuation<Result<LiveStream, Refusal>, Never>] {
        guard let state = pulls.removeValue(forKey: id) else { return [] }
        state.task?.cancel()
        return state.everybodyWaiting
    }

    func notifyWhenServing(_ stream: LiveStream) async {
        await stream.loop.run {
            stream.onServing = { Task { await self.streamServes(stream) } }
            if stream.isServing { stream.onServing?() }
        }
    }

    private func streamServes(_ stream: LiveStream) {
        answerWaiting(for: stream.id, .success(stream))
        // The entry of a hold served only those who waited.
        if holds[stream.id] != nil {
            pulls[stream.id]?.task?.cancel()
            pulls[stream.id] = nil
        }
    }

    func answerWaiting(for id: StreamID, _ result: Result<LiveStream, Refusal>) {
        let waiting = pulls[id]?.everybodyWaiting ?? []
        pulls[id]?.waiting = []
        pulls[id]?.waitingChildren = [:]
        for continuation in waiting { continuation.resume(returning: result) }
    }
}
