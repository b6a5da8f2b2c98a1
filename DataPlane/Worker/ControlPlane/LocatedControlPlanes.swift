package import Logging
import Observability
import Synchronization

/// Where the control planes are: named in the settings, found on the local network, or both. A network is searched again
/// when none of them has answered for a while, as one that moved answers elsewhere.
package final class LocatedControlPlanes: Sendable {
    /// Registrations or heartbeats in a row that none of them answered.
    private static let missesMax = 3
    /// Questions asked while others may answer yet.
    private static let roundsBesideOthers = 2

    package let urls: ControlPlaneURLs
    private let network: DiscoverySearch?
    private let misses = Mutex(0)

    package init(named: [String], network: DiscoverySearch?) {
        urls = ControlPlaneURLs(named)
        self.network = network
    }

    package convenience init(_ configuration: WorkerConfiguration, logger: Logger) {
        let token = configuration.controlPlanes.contains(DiscoverySearch.word) ? configuration.nodeToken : nil
        self.init(
            named: configuration.controlPlanes.filter { $0 != DiscoverySearch.word },
            network: token.map { DiscoverySearch(nodeToken: $0.revealed, logger: logger) }
        )
    }

    /// Returns when at least one is known, or the task is cancelled.
    package func search() async { await search(rounds: urls.current.isEmpty ? .max : Self.roundsBesideOthers) }

    package func answered() { misses.withLock { $0 = 0 } }

    /// A registration or a heartbeat was answered by none of them.
    package func missed() async {
        let isTime = misses.withLock { misses in
            misses += 1
            return misses % Self.missesMax == 0
        }
        if isTime { await search(rounds: Self.roundsBesideOthers) }
    }

    private func search(rounds: Int) async {
        guard let found = await network?.run(rounds: rounds) else { return }
        urls.replaceFound(by: found)
    }
}
