/// What a stream's ownership is to be: a lock with an epoch that grows with every change of owner.
struct StreamLock: Hashable {
    private struct Hold: Hashable {
        var boot: Boot
        /// Nil when it was granted by an answer that nobody got.
        var epoch: Int64?
    }

    private var hold: Hold?
    private var lastEpoch: Int64 = 0
    private var boots: [String: String] = [:]
    private var owners: Set<String> = []

    /// The states in which the lock can be after the call, given its answer; none when the answer cannot be true.
    func after(_ call: StreamOperation.Call, _ answer: StreamOperation.Answer) -> [StreamLock] {
        switch call {
        case .restart(let boot): [restarted(boot)]
        case .release(let boot, let epoch): released(boot, epoch, answer)
        case .claim(let boot): claimed(boot, answer)
        }
    }

    private func restarted(_ boot: Boot) -> StreamLock {
        var next = self
        next.boots[boot.node] = boot.boot
        if let hold, hold.boot.node == boot.node, hold.boot != boot { next.hold = nil }
        return next
    }

    private func released(_ boot: Boot, _ epoch: Int64, _ answer: StreamOperation.Answer) -> [StreamLock] {
        if answer == .superseded { return isPresent(boot) ? [] : [self] }
        guard let hold, hold.boot == boot, hold.epoch ?? epoch == epoch else { return [self] }
        var next = self
        next.hold = nil
        next.lastEpoch = max(lastEpoch, epoch)
        return [next]
    }

    private func claimed(_ boot: Boot, _ answer: StreamOperation.Answer) -> [StreamLock] {
        switch answer {
        case .inUse(let owner): return owners.contains(owner) ? [self] : []
        case .superseded: return isPresent(boot) ? [] : [self]
        case .granted(let epoch): return granted(boot, epoch).map { [$0] } ?? []
        case .unknown: return granted(boot, nil).map { [$0] } ?? []
        case .done: return []
        }
    }

    private func granted(_ boot: Boot, _ epoch: Int64?) -> StreamLock? {
        guard isPresent(boot) else { return nil }
        var next = self
        if let hold {
            guard hold.boot == boot else { return nil }
            guard let known = hold.epoch else {
                guard let epoch else { return self }
                guard epoch > lastEpoch else { return nil }
                next.take(boot, epoch)
                return next
            }
            return epoch == nil || epoch == known ? self : nil
        }
        if let epoch, epoch <= lastEpoch { return nil }
        next.take(boot, epoch)
        return next
    }

    private mutating func take(_ boot: Boot, _ epoch: Int64?) {
        hold = Hold(boot: boot, epoch: epoch)
        lastEpoch = max(lastEpoch, epoch ?? 0)
        owners.insert(boot.node)
    }

    private func isPresent(_ boot: Boot) -> Bool { boots[boot.node] == boot.boot }
}
