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
    private let described = Mutex<[StreamID: LastDescription]>([:])

    /// What came of the last description of a source with its rungs.
    private struct LastDescription {
        var at: NIODeadline
        /// Rungs that did not come in time. They are listed once they do, and nobody waits for them again.
        var late: Set<String> = []
    }

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
        _ answer: @escaping @Sendable (MediaResponse) -> Void
    ) {
        // Encoders take longest to begin, so they begin while the source is still awaited.
        if isAdaptive, isFirst(of: request.stream) { hls.startRungs(of: request) }
        hls.describe(request) { description in
            switch description {
            case .response(let response): answer(response)
            case .rendition(let source, let rungs):
                guard isAdaptive, !rungs.isEmpty else { return answer(Self.response(source, [], token: token)) }
                self.gather(rungs, request) { found in
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
        _ rungs: [HLSWant.Rung],
        _ request: PlayRequest,
        _ answer: @escaping @Sendable ([MediaPresentation.Rendition]) -> Void
    ) {
        let source = request.stream
        let (late, patience) = plan(for: source)
        let gathering = RungGathering(rungs.map(\.name)) { found, silent in
            let missing = late.subtracting(found.map(\.name))
            self.described.withLock { $0[source]?.late = missing.union(silent) }
            answer(found)
        }
        for rung in rungs {
            var request = request
            request.stream = source.derived(.rung(rung.name))
            hls.describe(request, waits: !late.contains(rung.name)) { description in
                guard case .rendition(var rendition, _) = description else { return gathering.put(nil, rung.name) }
                rendition.bandwidth = rung.bandwidth
                gathering.put(rendition, rung.name)
            }
        }
        Task {
            try? await Task.sleep(for: patience)
            gathering.close()
        }
    }

    private func isFirst(of source: StreamID) -> Bool {
        let last = described.withLock { $0[source]?.at }
        return last.map { .now() - $0 > limits.rungsForgottenAfter } ?? true
    }

    /// Whom not to wait for, and how long for the others: the first description of a while gives encoders time to start.
    private func plan(for source: StreamID) -> (late: Set<String>, patience: Duration) {
        let now = NIODeadline.now()
        return described.withLock { described in
            if described.count >= limits.sourcesMax {
                described = described.filter { now - $0.value.at <= limits.rungsForgottenAfter }
            }
            let last = described[source].flatMap { now - $0.at <= limits.rungsForgottenAfter ? $0 : nil }
            described[source] = LastDescription(at: now, late: last?.late ?? [])
            return (last?.late ?? [], last == nil ? limits.rungsAwaited : limits.rungsAwaitedAgain)
        }
    }
}

package struct DASHLimits: Sendable {
    /// A rung begins with the source's next segment, whose wait the source's own description has mostly been; then its
    /// first part is what the encoder holds away. Those that are not listed in the first description are missed by players
    /// that take no more representations later (ffmpeg ends when their number changes).
    package var rungsAwaited = Duration.seconds(4)
    package var rungsAwaitedAgain = Duration.milliseconds(250)
    /// Without a request for this long the rungs may have been stopped.
    package var rungsForgottenAfter = TimeAmount.seconds(10)
    /// Sources whose last description is remembered; when full, those forgotten anyway are dropped.
    package var sourcesMax = 2_000

    package init() {}
}
