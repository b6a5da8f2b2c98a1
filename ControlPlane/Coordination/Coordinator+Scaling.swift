import ClusterModel
import Domain
import Logging
import Synchronization
import Timebase

extension Coordinator {
    private static let scalingInterval = Duration.seconds(1)

    /// Judges every group and role once each of its periods. Runs until the task is cancelled.
    package func keepScale() async {
        while !Task.isCancelled {
            await judgeScale()
            await clock.sleep(Self.scalingInterval)
        }
    }

    package func judgeScale() async {
        for target in takeDueTargets() where phase == .answering {
            do throws(Problem) {
                // Of several control planes the one whose write wins has decided; the others find the period judged.
                let decision = try await commit { shared, now throws(Problem) in
                    try shared.state.decideScaling(target, at: now)
                }
                guard let decision else { continue }
                report(decision, target)
                let request = DrainRequest(deadline: read { state, _ in state.policy(of: target).policy.drainSeconds })
                for nodeID in decision.drained { try await drain(nodeID, request, forScaling: true, ifMatch: .any) }
                for nodeID in decision.recalled ?? [] { try await undrain(nodeID, ifMatch: .any) }
            } catch {
                logger.debug("Scaling was not judged", metadata: ["error": "\(error.detail)"])
            }
        }
    }

    private func takeDueTargets() -> [ScalingTarget] {
        shared.withLock { shared in
            guard shared.phase == .answering else { return [] }
            let now = shared.now(at: clock.now())
            var judged: [ScalingTarget: WallTime] = [:]
            let due = shared.state.scalingTargets.filter { target in
                let period = shared.state.scalingPeriod(of: target, at: now)
                judged[target] = period
                return shared.judgedPeriods[target].map { period > $0 } ?? true
            }
            shared.judgedPeriods = judged
            return due
        }
    }

    private func report(_ decision: ScalingDecision, _ target: ScalingTarget) {
        logger.notice(
            "Scaling decided",
            metadata: [
                "group": "\(target.group)", "role": "\(target.role.rawValue)", "current": "\(decision.current)",
                "desired": "\(decision.desired)", "reasons": "\(decision.reasons.joined(separator: "; "))",
                "drained": "\(decision.drained.joined(separator: ", "))",
                "recalled": "\((decision.recalled ?? []).joined(separator: ", "))",
            ]
        )
    }
}
