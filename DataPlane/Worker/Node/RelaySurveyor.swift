package import ClusterModel
import Timebase

/// Tries the relay ports the control plane names, and keeps what came of it for the next heartbeats.
package actor RelaySurveyor {
    package typealias Probe = @Sendable (ProbeTarget) async -> ProbedLink

    /// Ports tried at once: a survey must not look like an attack, nor take long.
    private static let concurrentMax = 8
    /// Long enough for every control plane to have read it.
    private static let toldFor = Duration.seconds(60)

    private let probe: Probe
    private let clock: WorkerClock
    private var surveyID: Int64?
    private var found: (report: RelayProbeReport, at: MonotonicInstant)?

    package init(clock: WorkerClock, probe: @escaping Probe) {
        self.clock = clock
        self.probe = probe
    }

    /// True when there is news to tell; false for a survey that is known already.
    package func take(_ directive: Directive) async -> Bool {
        guard let id = directive.surveyId, id != surveyID else { return false }
        surveyID = id
        let links = await links(to: Array((directive.targets ?? []).prefix(ProbeTarget.countMax)))
        guard surveyID == id else { return false }
        found = (RelayProbeReport(surveyId: id, links: links), clock.now())
        return true
    }

    package var report: RelayProbeReport? {
        found.flatMap { clock.now() - $0.at <= Self.toldFor ? $0.report : nil }
    }

    private func links(to targets: [ProbeTarget]) async -> [ProbedLink] {
        let probe = probe
        let found = await withTaskGroup(of: (Int, ProbedLink).self, returning: [Int: ProbedLink].self) { group in
            var found: [Int: ProbedLink] = [:]
            for (index, target) in targets.enumerated() {
                if index >= Self.concurrentMax, let (place, link) = await group.next() { found[place] = link }
                group.addTask { (index, await probe(target)) }
            }
            for await (place, link) in group { found[place] = link }
            return found
        }
        return targets.indices.compactMap { found[$0] }
    }
}
