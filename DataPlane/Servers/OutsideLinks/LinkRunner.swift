import ClusterModel
import NIOCore
import Synchronization
import Timebase

/// Keeps one connection to a server outside of the cluster: tries, waits, tries again, until it is finished or cancelled.
final class LinkRunner: Sendable {
    typealias Attempt = @Sendable (LinkRunner) async -> LinkEnd

    private let backOff: Mutex<LinkBackOff>
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(id: String) { backOff = Mutex(LinkBackOff(id: id)) }

    var status: LinkStatus { backOff.withLock { $0.status } }

    func mediaFlows() { backOff.withLock { $0.mediaFlows(at: .current) } }

    /// `onFailure` is told of every failure, `onOver` once, unless it was cancelled.
    func start(
        _ attempt: @escaping Attempt,
        onFailure: @escaping @Sendable (String) -> Void,
        onOver: @escaping @Sendable () -> Void
    ) {
        let running = Task {
            while !Task.isCancelled {
                self.backOff.withLock { $0.begin() }
                let reason: String
                switch await attempt(self) {
                case .finished: return Task.isCancelled ? () : onOver()
                case .sourceEnded: reason = "the source ended"
                case .failed(let words): reason = words
                }
                guard !Task.isCancelled else { return }
                onFailure(reason)
                var random = SystemRandomNumberGenerator()
                let pause = self.backOff.withLock { $0.failed(reason, at: .current, using: &random) }
                guard (try? await Task.sleep(for: pause)) != nil else { return }
            }
        }
        task.withLock { $0 = running }
    }

    func cancel() { task.withLock { $0 }?.cancel() }
}

extension MonotonicInstant {
    fileprivate static var current: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
    }
}
