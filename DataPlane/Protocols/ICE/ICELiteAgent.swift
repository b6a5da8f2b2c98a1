import DequeModule
package import Timebase

package import struct NIOCore.ByteBuffer

/// The server's side of ICE, with the I/O taken out: it answers checks, and learns from them where its peer is.
///
/// Spec: RFC 8445 (ICE, §2.5 lite), RFC 8489 (STUN), RFC 7675 (consent), RFC 6544 (TCP). § means RFC 8445.
///
///     waiting ──first valid pair──► sending ──no word from the peer, all paths closed──► waiting
///        └── deadline ──► failed ◄── consent expired ──┘
///
/// A lite agent is always controlled and sends no checks, so it needs none of the peer's candidates: every check that
/// is signed with our password makes a valid pair of the path it came on, be it announced, reflexive, or the same peer
/// behind a rebound NAT. The peer says by USE-CANDIDATE which pair is to be used; until then data goes on the best
/// valid one (§12.1).
///
/// Contract: make one mutation, drain `nextOutput()` until nil, then sleep until `nextDeadline`.
package struct ICELiteAgent: ~Copyable {
    package enum Event: Hashable, Sendable {
        /// From now on data goes here. Several may follow one another: better pairs, nominations, moves.
        case sendPathChanged(TransportPath, isNominated: Bool)
        /// The restart is complete: the peer nominated a pair with the new credentials, and the former ones are void.
        case restarted
        /// A message that changed nothing, for counting.
        case refused(ICERefusal, on: TransportPath)
        /// Nothing may be sent any more. Only a restart brings the agent back.
        case failed(ICEFailure)
    }

    private enum State: Equatable {
        case waiting(until: MonotonicInstant, orElse: ICEFailure)
        case sending(on: TransportPath)
        case failed
    }

    private struct ValidPair {
        var path: TransportPath
        var priority: UInt64
        var generation: Int
        var lastHeard: MonotonicInstant
        var nominatedAt: MonotonicInstant?
    }

    private struct Generation {
        var number: Int
        var credentials: ICECredentials
    }

    private var state: State
    private var pairs: [ValidPair] = []
    private var current: Generation
    /// The one before a restart that the peer has not completed yet: it goes on as if nothing were (§9).
    private var former: Generation?
    private var outputs = Deque<ICEOutput<Event>>()
    private var errorResponses: ResponseBudget
    private let localCandidates: [Candidate]
    private let limits: ICELimits

    package init(
        credentials: ICECredentials,
        localCandidates: [Candidate],
        limits: ICELimits = ICELimits(),
        at now: MonotonicInstant
    ) {
        state = .waiting(until: now + limits.setupTimeout, orElse: .noConnection)
        current = Generation(number: 0, credentials: credentials)
        errorResponses = ResponseBudget(perSecond: limits.errorResponsesPerSecondMax, at: now)
        self.localCandidates = localCandidates
        self.limits = limits
    }

    // MARK: Getters

    /// Where to send; nil before the first valid pair, after the loss of all paths, and at the end.
    package var sendPath: TransportPath? {
        switch state {
        case .sending(let path): path
        case .waiting, .failed: nil
        }
    }

    package var validPaths: [TransportPath] { pairs.map(\.path) }

    /// The user fragments by which checks for this agent are known: one, or two during a restart.
    package var userFragments: [String] { accepted.map(\.userFragment) }

    package var nextDeadline: MonotonicInstant? {
        switch state {
        case .waiting(let deadline, _): deadline
        case .sending: pairs.map(\.lastHeard).min().map { $0 + limits.consentTimeout }
        case .failed: nil
        }
    }

    package mutating func nextOutput() -> ICEOutput<Event>? { outputs.popFirst() }

    // MARK: Network

    package mutating func receive(_ datagram: ByteBuffer, on path: TransportPath, at now: MonotonicInstant) {
        do throws(StunError) {
            receive(try ReceivedStunMessage(decoding: datagram, limits: limits), on: path, at: now)
        } catch { refuse(.malformed(error), on: path) }
    }

    /// A message that was decoded already, to find the session it is for.
    package mutating func receive(_ received: ReceivedStunMessage, on path: TransportPath, at now: MonotonicInstant) {
        guard state != .failed else { return }
        switch received.message.messageClass {
        case .request where received.message.method == StunMessage.binding: answer(received, on: path, at: now)
        // A keepalive (§11): unsigned, so it proves nothing.
        case .indication: return
        case .request, .success, .error: refuse(.unexpectedMessage, on: path)
        }
    }

    /// DTLS or SRTP that was authenticated arrived on this path. It shows as well as a check that the peer is there and
    /// wants us to go on: publishers exist that send no checks once they are connected. Once a second is often enough.
    package mutating func authenticatedDataReceived(on path: TransportPath, at now: MonotonicInstant) {
        guard let index = pairs.firstIndex(where: { $0.path == path }) else { return }
        pairs[index].lastHeard = now
        // A peer that a NAT has moved may check its new path once before its old one counts as quiet, and then not for long.
        guard let used = sendPath.flatMap({ pair(on: $0) }), used.path != path,
            shouldUse(pairs[index], insteadOf: used, isNominatedNow: false, at: now)
        else { return }
        use(pairs[index])
    }

    /// A TCP connection is gone.
    package mutating func pathClosed(_ path: TransportPath, at now: MonotonicInstant) {
        pairs.removeAll { $0.path == path }
        guard sendPath == path else { return }
        if !moveToBestPair() { state = .waiting(until: now + limits.consentTimeout, orElse: .consentExpired) }
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        guard let deadline = nextDeadline, now >= deadline else { return }
        switch state {
        case .waiting(_, let failure): fail(failure)
        case .sending(let used):
            // Each path has a consent of its own (RFC 7675 §5.1), and may cost the driver a connection.
            pairs.removeAll { now >= $0.lastHeard + limits.consentTimeout }
            guard !pairs.contains(where: { $0.path == used }) else { return }
            if !moveToBestPair() { fail(.consentExpired) }
        case .failed: return
        }
    }

    // MARK: The application's wishes

    /// New credentials, for an offer that restarts ICE (§9). The pairs in use stay in use until the peer nominates one
    /// with the new credentials. A restart during a restart replaces the one that was under way.
    package mutating func restart(credentials: ICECredentials, at now: MonotonicInstant) {
        if state == .failed {
            state = .waiting(until: now + limits.setupTimeout, orElse: .noConnection)
        } else if former == nil {
            former = current
        }
        current = Generation(number: current.number + 1, credentials: credentials)
    }

    // MARK: Checks

    private var accepted: [ICECredentials] { [current.credentials] + (former.map { [$0.credentials] } ?? []) }

    private mutating func answer(_ received: ReceivedStunMessage, on path: TransportPath, at now: MonotonicInstant) {
        do throws(BindingCheck.Refused) {
            let check = try BindingCheck(received, accepting: accepted)
            // A lite agent cannot take over the controlling role (§6.1.1), whatever the tie-breakers say.
            guard check.role != .controlled else {
                throw BindingCheck.Refused(reason: .roleConflict, credentials: check.credentials)
            }
            outputs.append(.transmit(check.response(to: path.remote), on: path))
            learn(from: check, on: path, at: now)
        } catch {
            refuse(error.reason, on: path)
            guard let response = error.response(to: received.message), errorResponses.spend(at: now) else { return }
            outputs.append(.transmit(response, on: path))
        }
    }

    private mutating func learn(from check: BindingCheck, on path: TransportPath, at now: MonotonicInstant) {
        let isCurrent = check.credentials == current.credentials
        let used = sendPath.flatMap { self.pair(on: $0) }
        let index = indexOfPair(on: path, at: now)
        pairs[index].lastHeard = now
        if isCurrent { pairs[index].generation = current.number }
        // The former generation has nothing to say about a pair that the current one has taken up.
        guard isCurrent || pairs[index].generation != current.number else { return }
        pairs[index].priority = Candidate.pairPriority(
            controlling: check.priority,
            controlled: localPriority(of: path)
        )
        if check.nominates { pairs[index].nominatedAt = now }
        let pair = pairs[index]
        if check.nominates, isCurrent, former != nil {
            completeRestart()
            if used?.path != path { use(pair) }
        } else if shouldUse(pair, insteadOf: used, isNominatedNow: check.nominates, at: now) {
            use(pair)
        }
    }

    /// The pair of this path, or a new one, for which the quietest makes room.
    private mutating func indexOfPair(on path: TransportPath, at now: MonotonicInstant) -> Int {
        if let index = pairs.firstIndex(where: { $0.path == path }) { return index }
        if pairs.count >= limits.validPairCountMax {
            let quietest = pairs.indices.filter { pairs[$0].path != sendPath }
                .min { pairs[$0].lastHeard < pairs[$1].lastHeard }
            if let quietest { pairs.remove(at: quietest) }
        }
        let generation = former?.number ?? current.number
        pairs.append(ValidPair(path: path, priority: 0, generation: generation, lastHeard: now))
        return pairs.count - 1
    }

    // MARK: The path to send on

    private func shouldUse(
        _ pair: ValidPair,
        insteadOf used: ValidPair?,
        isNominatedNow: Bool,
        at now: MonotonicInstant
    ) -> Bool {
        guard let used else { return true }
        if pair.path == used.path { return isNominatedNow && used.nominatedAt == nil }
        // Until the peer completes a restart, its new pairs carry nothing.
        if former != nil, pair.generation == current.number { return false }
        if now - used.lastHeard >= limits.quietPathMax { return true }
        guard let nominatedAt = used.nominatedAt else { return isNominatedNow || pair.priority > used.priority }
        return isNominatedNow && (pair.priority >= used.priority || now - nominatedAt >= limits.renominationHold)
    }

    private mutating func use(_ pair: ValidPair) {
        state = .sending(on: pair.path)
        outputs.append(.event(.sendPathChanged(pair.path, isNominated: pair.nominatedAt != nil)))
    }

    /// False when there is none left.
    private mutating func moveToBestPair() -> Bool {
        let best = pairs.max {
            ($0.nominatedAt == nil ? 0 : 1, $0.priority) < ($1.nominatedAt == nil ? 0 : 1, $1.priority)
        }
        guard let best else { return false }
        use(best)
        return true
    }

    private mutating func completeRestart() {
        former = nil
        pairs.removeAll { $0.generation != current.number }
        outputs.append(.event(.restarted))
    }

    private mutating func fail(_ failure: ICEFailure) {
        state = .failed
        pairs = []
        former = nil
        outputs.append(.event(.failed(failure)))
    }

    private mutating func refuse(_ reason: ICERefusal, on path: TransportPath) {
        outputs.append(.event(.refused(reason, on: path)))
    }

    private func pair(on path: TransportPath) -> ValidPair? { pairs.first { $0.path == path } }

    /// A socket bound to every address does not know which of ours was asked: the best of the transport stands for it.
    private func localPriority(of path: TransportPath) -> UInt32 {
        let candidates = localCandidates.filter { $0.transport == path.transport }
        return candidates.first { $0.address == path.local }?.priority ?? candidates.map(\.priority).max() ?? 0
    }
}
