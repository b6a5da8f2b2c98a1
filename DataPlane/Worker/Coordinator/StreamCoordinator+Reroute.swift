package import ClusterModel
import Logging
import MediaModel
import Observability
import RelayService
import Streams

/// Following the relay tree when it changes while everything works: another group, another place of the parent.
extension StreamCoordinator {
    /// Asks again for the route of each pull, or of those from one parent. Where another parent is answered, the next pull
    /// goes there, spliced in; where not, nothing happens. One after the other: a node may have thousands.
    package func reroute(from parent: String? = nil) async {
        let concerned = pulls.filter { $0.value.route.map { parent == nil || $0.parent.nodeId == parent } ?? false }
            .keys
        for id in concerned.sorted() { await askAgain(id) }
    }

    /// What the watch says of this node's parents when it is back: one drains, or is in another group than when its route was
    /// told, and the word of that was missed.
    package func reroute(asToldOf parents: [WatchEvent.NodeChange]) async {
        for parent in parents {
            let isOut = parent.state == .draining || parent.state == .drained
            let hasMoved = pulls.values.contains { pull in
                guard let known = pull.route?.parent, known.nodeId == parent.nodeId else { return false }
                return known.group.map { $0 != parent.group } ?? false
            }
            if isOut || hasMoved { await reroute(from: parent.nodeId) }
        }
    }

    private func askAgain(_ id: StreamID) async {
        guard let state = pulls[id], let present = state.route, state.attempt != nil else { return }
        let haveEpoch = await state.stream.loop.run { state.stream.epoch?.value }
        let request = RouteRequest(nodeId: identity.nodeID, bootId: identity.bootID, haveEpoch: haveEpoch)
        do throws(ControlPlaneError) {
            let route = try await control.route(id.source, request)
            guard route.epoch >= haveEpoch ?? 0, pulls[id]?.route == present else { return }
            guard route.parent.nodeId != present.parent.nodeId else {
                pulls[id]?.route?.parent.group = route.parent.group
                return
            }
            pulls[id]?.next = route
            pulls[id]?.attempt?.cancel()
            logger.info(
                "pull moves",
                metadata: [
                    "stream": "\(id)", "from": "\(present.parent.nodeId)", "parent": "\(route.parent.nodeId)",
                ]
            )
        } catch {
            logger.debug("pull stays", metadata: ["stream": "\(id)", LogKeys.error: "\(error)"])
        }
    }

    /// Makes the pull so that it can be ended without ending the search for parents.
    func attempt(_ stream: LiveStream, _ route: RouteAnswer, ticket: String) async -> PullEnd {
        let attempt = Task { await self.puller.pull(stream, route: route, ticket: ticket) }
        pulls[stream.id]?.attempt = attempt
        defer { pulls[stream.id]?.attempt = nil }
        let end = await withTaskCancellationHandler {
            await attempt.value
        } onCancel: {
            attempt.cancel()
        }
        guard end == .stopped, let state = pulls[stream.id], state.next == nil, route.epoch < state.newestEpoch else {
            return end
        }
        return .ended(.fenced(Epoch(state.newestEpoch)))
    }

    /// The route that was answered while the last pull ran.
    func takeNextRoute(of id: StreamID) -> RouteAnswer? {
        defer { pulls[id]?.next = nil }
        return pulls[id]?.next
    }
}
