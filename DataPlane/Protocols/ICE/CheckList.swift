import Timebase

import struct NIOCore.ByteBuffer

/// The pairs that a controlling agent checks, best first, and how far each has come (RFC 8445 §6.1.2.6).
struct CheckList {
    private enum State {
        case waiting
        case inProgress(Request)
        case succeeded
        case failed
    }

    private struct Request {
        var id: StunTransactionID
        var bytes: ByteBuffer
        var nominates: Bool
        var sentCount = 1
        var interval: Duration
        var deadline: MonotonicInstant
    }

    private struct Pair {
        var path: TransportPath
        var priority: UInt64
        var state = State.waiting

        var request: Request? {
            if case .inProgress(let request) = state { request } else { nil }
        }

        var isWaiting: Bool { if case .waiting = state { true } else { false } }
        var hasSucceeded: Bool { if case .succeeded = state { true } else { false } }
        var hasFailed: Bool { if case .failed = state { true } else { false } }
    }

    private var pairs: [Pair] = []
    private var nextCheckTime: MonotonicInstant
    private let limits: ICELimits

    init(limits: ICELimits, at now: MonotonicInstant) {
        self.limits = limits
        nextCheckTime = now
    }

    // MARK: Getters

    var nextDeadline: MonotonicInstant? {
        var deadlines = pairs.compactMap { $0.request?.deadline }
        if pairs.contains(where: \.isWaiting) { deadlines.append(nextCheckTime) }
        return deadlines.min()
    }

    var isNominating: Bool { pairs.contains { $0.request?.nominates == true } }
    var hasSucceeded: Bool { bestSucceeded != nil }
    var bestSucceeded: TransportPath? { pairs.first(where: \.hasSucceeded)?.path }

    /// Whether no better pair can succeed any more.
    func isBest(_ path: TransportPath) -> Bool { pairs.first { !$0.hasFailed }?.path == path }

    // MARK: Changes

    /// Beyond the limit the pair of lowest priority goes; a path that is there stays as it is.
    mutating func add(_ path: TransportPath, priority: UInt64) {
        guard !pairs.contains(where: { $0.path == path }) else { return }
        let index = pairs.firstIndex { $0.priority < priority } ?? pairs.count
        pairs.insert(Pair(path: path, priority: priority), at: index)
        if pairs.count > limits.checkListPairCountMax { pairs.removeLast() }
    }

    /// Has the pair checked next, also when it failed before.
    mutating func trigger(_ path: TransportPath) {
        guard let index = pairs.firstIndex(where: { $0.path == path }), pairs[index].hasFailed else { return }
        pairs[index].state = .waiting
    }

    /// The pair to check now, if the pace allows one.
    mutating func nextCheck(at now: MonotonicInstant) -> TransportPath? {
        guard now >= nextCheckTime, let pair = pairs.first(where: \.isWaiting) else { return nil }
        nextCheckTime = now + limits.checkPacing
        return pair.path
    }

    mutating func started(
        _ path: TransportPath,
        _ id: StunTransactionID,
        _ bytes: ByteBuffer,
        nominating: Bool,
        at now: MonotonicInstant
    ) {
        guard let index = pairs.firstIndex(where: { $0.path == path }) else { return }
        let interval = limits.retransmissionTimeout
        let request = Request(id: id, bytes: bytes, nominates: nominating, interval: interval, deadline: now + interval)
        pairs[index].state = .inProgress(request)
    }

    /// Requests whose time is up, to be sent again; those that were sent often enough have failed.
    mutating func retransmissions(at now: MonotonicInstant) -> [(TransportPath, ByteBuffer)] {
        var due: [(TransportPath, ByteBuffer)] = []
        for index in pairs.indices {
            guard var request = pairs[index].request, now >= request.deadline else { continue }
            guard request.sentCount < limits.requestCountMax else {
                pairs[index].state = .failed
                continue
            }
            request.sentCount += 1
            request.interval = request.interval * 2
            request.deadline = now + request.interval
            pairs[index].state = .inProgress(request)
            due.append((pairs[index].path, request.bytes))
        }
        return due
    }

    /// Whether the request nominated its pair; nil when it is not open on this path.
    mutating func succeeded(_ id: StunTransactionID, on path: TransportPath) -> Bool? {
        guard let index = index(of: id, on: path), let request = pairs[index].request else { return nil }
        pairs[index].state = .succeeded
        return request.nominates
    }

    /// False when the request is not open on this path.
    mutating func failed(_ id: StunTransactionID, on path: TransportPath) -> Bool {
        guard let index = index(of: id, on: path) else { return false }
        pairs[index].state = .failed
        return true
    }

    private func index(of id: StunTransactionID, on path: TransportPath) -> Int? {
        pairs.firstIndex { $0.path == path && $0.request?.id == id }
    }
}
