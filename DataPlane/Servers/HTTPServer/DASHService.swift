import ClusterModel
import DASH
import Foundation
package import NIOCore
package import Streams
import Synchronization
import Timebase

/// DASH on this node: descriptions of what HLS packages. The objects they name are HLS's.
package final class DASHService: Sendable {
    private let hls: HLSService
    private let limits: DASHLimits
    /// When the rungs of a source were last described: one that did not come then is not waited for again.
    private let described = Mutex<[StreamID: NIODeadline]>([:])

    package init(hls: HLSService, limits: DASHLimits = DASHLimits()) {
        self.hls = hls
        self.limits = limits
    }

    /// Answers once, on any thread.
    ///
    /// - Parameter isAdaptive: with all rungs of the source. A description names segments, so a rung must be there to be
    ///   listed: each is made while somebody asks.
    package func serve(
        _ request: PlayRequest,
        isAdaptive: Bool,
        token: String?,
        connection: ObjectIdentifier,
        _ answer: @escaping @Sendable (MediaResponse) -> Void
    ) {
        hls.describe(request, connection: connection) { description in
            switch description {
            case .response(let response): answer(response)
            case .rendition(let source, let rungs):
                guard isAdaptive, !rungs.isEmpty else { return answer(Self.response(source, [], token: token)) }
                self.gather(rungs, request, connection: connection) { found in
                    answer(Self.response(source, found, token: token))
                }
            }
        }
    }

    private static func response(
        _ source: MediaPresentation.Rendition,
        _ rungs: [MediaPresentation.Rendition],
        token: String?
    ) -> MediaResponse {
        let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        return .presentation(MediaPresentation(source: source, rungs: rungs).render(at: now, token: token))
    }

    // MARK: Rungs

    /// Those that can be had, in the order of the ladder.
    private func gather(
        _ rungs: [String],
        _ request: PlayRequest,
        connection: ObjectIdentifier,
        _ answer: @escaping @Sendable ([MediaPresentation.Rendition]) -> Void
    ) {
        let gathering = Gathering(count: rungs.count, answer)
        for (number, rung) in rungs.enumerated() {
            var request = request
            request.stream = request.stream.derived(.rung(rung))
            hls.describe(request, connection: connection) { description in
                guard case .rendition(let rendition, _) = description else { return gathering.put(nil, at: number) }
                gathering.put(rendition, at: number)
            }
        }
        let patience = patience(for: request.stream)
        Task {
            try? await Task.sleep(for: patience)
            gathering.close()
        }
    }

    /// How long to wait for the rungs: the first description of a while gives encoders time to start.
    private func patience(for source: StreamID) -> Duration {
        let now = NIODeadline.now()
        return described.withLock { described in
            let isFirst = described[source].map { now - $0 > limits.rungsForgottenAfter } ?? true
            if described.count >= limits.sourcesMax {
                described = described.filter { now - $0.value <= limits.rungsForgottenAfter }
            }
            described[source] = now
            return isFirst ? limits.rungsAwaited : limits.rungsAwaitedAgain
        }
    }
}

/// Answers when all have been put, or when it is closed.
private final class Gathering: Sendable {
    private struct State {
        var found: [MediaPresentation.Rendition?]
        var left: Int
        var answer: (@Sendable ([MediaPresentation.Rendition]) -> Void)?
    }

    private let state: Mutex<State>

    init(count: Int, _ answer: @escaping @Sendable ([MediaPresentation.Rendition]) -> Void) {
        state = Mutex(State(found: Array(repeating: nil, count: count), left: count, answer: answer))
    }

    func put(_ rendition: MediaPresentation.Rendition?, at position: Int) {
        let isLast = state.withLock { state in
            state.found[position] = rendition
            state.left -= 1
            return state.left == 0
        }
        if isLast { close() }
    }

    func close() {
        let (answer, found) = state.withLock { state in
            defer { state.answer = nil }
            return (state.answer, state.found.compactMap(\.self))
        }
        answer?(found)
    }
}

package struct DASHLimits: Sendable {
    /// A rung's first segment is there a keyframe, a segment and what the encoder holds after somebody asked.
    package var rungsAwaited = Duration.seconds(6)
    package var rungsAwaitedAgain = Duration.milliseconds(250)
    /// Without a request for this long the rungs may have been stopped.
    package var rungsForgottenAfter = TimeAmount.seconds(10)
    /// Sources whose last description is remembered; when full, those forgotten anyway are dropped.
    package var sourcesMax = 2_000

    package init() {}
}
