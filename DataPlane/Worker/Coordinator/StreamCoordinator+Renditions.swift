import ClusterModel
import Logging
import MediaModel
import Relay
import RelayService
import Renditions
import Streams
import Timebase

/// Streams that are made here of others, on the node that owns the source.
extension StreamCoordinator {
    /// Makes one until it ends, as `pullOnce` pulls one.
    func deriveOnce(
        _ stream: LiveStream,
        _ derivation: StreamID.Derivation,
        _ search: inout RouteSearch
    ) async -> PullOutcome {
        pulls[stream.id]?.route = nil
        let bytesBefore = stream.receivedBytes
        let parent: LiveStream
        do throws(Refusal) {
            parent = try await derivationParent(of: stream.id)
        } catch {
            return search.noRoute(error.of(stream.id), isLive: stream.isServing, at: clock.now())
        }
        let end = await deriver.derive(stream, derivation, of: parent)
        logger.info("rendition ended", metadata: ["stream": "\(stream.id)", "end": "\(end)"])
        return search.pullEnded(
            PullEnd(end),
            route: nil,
            stream: stream.id,
            isLive: stream.isServing,
            wasFed: stream.receivedBytes > bytesBefore,
            at: clock.now()
        )
    }

    private func derivationParent(of id: StreamID) async throws(Refusal) -> LiveStream {
        if let hold = holds[id.parent] { return hold.stream }
        return try await open(id.parent)
    }

    // MARK: Made without anybody asking

    /// Once the stream has tracks, which say what rungs there are.
    func makeRenditions(of id: StreamID) async {
        guard (try? await open(id)) != nil else { return }
        await makeRenditions()
    }

    /// Starts the rungs that ought to be made and are not, among them those that were given up a while ago.
    func makeRenditions() async {
        for id in holds.keys where appSettings[id.app]?.renditionsOnDemand == false {
            guard let source = registry[id], source.isServing else { continue }
            let rungs = await source.loop.run { source.rungNames }
            let givenUp = deriver.figures.givenUp.filter { $0.source == id }.map(\.name)
            // Much may have changed meanwhile.
            guard holds[id]?.stream === source, !isDraining else { continue }
            for rung in rungs where !givenUp.contains(rung) && pulls[id.derived(.rung(rung))] == nil {
                startPull(of: place(for: id.derived(.rung(rung))))
            }
        }
    }

    func isAlwaysMade(_ id: StreamID) -> Bool {
        guard case .rung? = id.derivation, holds[id.source] != nil else { return false }
        return appSettings[id.app]?.renditionsOnDemand == false
    }
}

extension Refusal {
    /// What is unknown of a parent is so of what is made of it.
    fileprivate func of(_ id: StreamID) -> Refusal {
        if case .unknownStream = self { .unknownStream(id) } else { self }
    }
}

extension PullEnd {
    fileprivate init(_ end: DerivedEnd) {
        switch end {
        case .ended(let reason): self = .ended(reason)
        case .lost(let reason): self = .lost(reason)
        case .unknown: self = .ended(.removed)
        case .notMade(let reason): self = .refused(RelayRefusal(.notMade, reason))
        case .stopped: self = .stopped
        }
    }
}
