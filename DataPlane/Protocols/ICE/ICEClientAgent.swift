import DequeModule
package import Timebase

package import struct NIOCore.ByteBuffer

/// The controlling side of ICE, with the I/O taken out: checks the ways to its peer, nominates one, keeps the consent.
///
/// Spec: RFC 8445 (§ means this), RFC 8489, RFC 7675. A controlling agent with regular nomination (§8.1.1), for clients
/// of servers whose candidates are in their answers; it does not gather reflexive or relayed candidates of its own.
///
///     checking ──a nominated pair answered──► connected(path) ──no consent──► failed
///         └── deadline ──► failed
///
/// Contract: make one mutation, drain `nextOutput()` until nil, then sleep until `nextDeadline`.
package struct ICEClientAgent: ~Copyable {
    package enum Event: Hashable, Sendable {
        /// From now on data goes here.
        case connected(TransportPath)
        case refused(ICERefusal, on: TransportPath)
        case failed(ICEFailure)
    }

    private enum State: Equatable {
        case checking
        case connected(Consent)
        case failed
    }

    private struct Consent: Equatable {
        var path: TransportPath
        var expires: MonotonicInstant
        var nextRequest: MonotonicInstant
        /// Requests that a response may still come to; as many as fit between two signs of consent.
        var openRequests: [StunTransactionID] = []
    }

    private var state = State.checking
    private var checks: CheckList
    private var nominateAt: MonotonicInstant?
    private var transactionIDs: TransactionIDs
    private var outputs = Deque<ICEOutput<Event>>()
    private var errorResponses: ResponseBudget
    private let localAddresses: [TransportAddress]
    private let credentials: ICECredentials
    private let remoteCredentials: ICECredentials
    private let tieBreaker: UInt64
    private let openedAt: MonotonicInstant
    private let limits: ICELimits

    /// `localAddresses` are those of UDP sockets; TCP paths are added once they are connected.
    package init(
        credentials: ICECredentials,
        remoteCredentials: ICECredentials,
        localAddresses: [TransportAddress],
        limits: ICELimits = ICELimits(),
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) {
        self.credentials = credentials
        self.remoteCredentials = remoteCredentials
        self.localAddresses = localAddresses
        self.limits = limits
        tieBreaker = random.next()
        transactionIDs = TransactionIDs(using: &random)
        checks = CheckList(limits: limits, at: now)
        errorResponses = ResponseBudget(perSecond: limits.errorResponsesPerSecondMax, at: now)
        openedAt = now
    }

    // MARK: Getters

    package var sendPath: TransportPath? {
        switch state {
        case .connected(let consent): consent.path
        case .checking, .failed: nil
        }
    }

    package var nextDeadline: MonotonicInstant? {
        switch state {
        case .checking:
            [checks.nextDeadline, nominateAt, openedAt + limits.setupTimeout].compactMap { $0 }.min()
        case .connected(let consent): min(consent.expires, consent.nextRequest)
        case .failed: nil
        }
    }

    package mutating func nextOutput() -> ICEOutput<Event>? { outputs.popFirst() }

    // MARK: Candidates

    /// A candidate of the peer's, from its description or trickled. UDP ones are checked from every local address of
    /// their family; for TCP ones see `add(connection:priority:)`.
    package mutating func add(_ candidate: Candidate, at now: MonotonicInstant) {
        guard state == .checking, candidate.transport == .udp else { return }
        for (index, address) in localAddresses.enumerated() where address.ip.isV4 == candidate.address.ip.isV4 {
            let local = Candidate.priority(.host, .udp, localPreference: UInt16(clamping: 65_535 - index))
            checks.add(
                TransportPath(.udp, local: address, remote: candidate.address),
                priority: Candidate.pairPriority(controlling: local, controlled: candidate.priority)
            )
        }
        advance(at: now)
    }

    /// A TCP connection that the driver made to a passive candidate of the peer's (RFC 6544 §5.2).
    package mutating func add(connection path: TransportPath, priority: UInt32, at now: MonotonicInstant) {
        guard state == .checking else { return }
        let local = Candidate.priority(.host, .tcp, localPreference: 65_535)
        checks.add(path, priority: Candidate.pairPriority(controlling: local, controlled: priority))
        advance(at: now)
    }

    // MARK: Network

    package mutating func receive(_ datagram: ByteBuffer, on path: TransportPath, at now: MonotonicInstant) {
        guard state != .failed else { return }
        do throws(StunError) {
            let received = try ReceivedStunMessage(decoding: datagram, limits: limits)
            switch received.message.messageClass {
            case .request where received.message.method == StunMessage.binding: answer(received, on: path, at: now)
            case .indication: return
            case .success: succeeded(received, on: path, at: now)
            case .error: failed(received.message, on: path, at: now)
            case .request: refuse(.unexpectedMessage, on: path)
            }
        } catch { refuse(.malformed(error), on: path) }
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        switch state {
        case .checking:
            guard now < openedAt + limits.setupTimeout else { return fail(.noConnection) }
            advance(at: now)
        case .connected(let consent):
            guard now < consent.expires else { return fail(.consentExpired) }
            askForConsent(consent, at: now)
        case .failed: return
        }
    }

    // MARK: Checks

    /// Sends what is due: retransmissions, the next check, the nomination.
    private mutating func advance(at now: MonotonicInstant) {
        for (path, bytes) in checks.retransmissions(at: now) { outputs.append(.transmit(bytes, on: path)) }
        // A nomination that failed leaves the next best pair.
        if nominateAt == nil, checks.hasSucceeded, !checks.isNominating { nominateAt = now }
        if let nominateAt, now >= nominateAt { nominate(at: now) }
        if let path = checks.nextCheck(at: now) { check(path, nominating: false, at: now) }
    }

    private mutating func check(_ path: TransportPath, nominating: Bool, at now: MonotonicInstant) {
        let id = transactionIDs.next()
        let bytes = request(id, on: path, nominating: nominating)
        checks.started(path, id, bytes, nominating: nominating, at: now)
        outputs.append(.transmit(bytes, on: path))
    }

    private func request(_ id: StunTransactionID, on path: TransportPath, nominating: Bool) -> ByteBuffer {
        var attributes: [StunAttribute] = [
            .username(remoteCredentials.userFragment + ":" + credentials.userFragment),
            .priority(Candidate.priority(.peerReflexive, path.transport, localPreference: 65_535)),
            .iceControlling(tieBreaker),
        ]
        if nominating { attributes.append(.useCandidate) }
        return StunMessage(.request, transactionID: id, attributes: attributes)
            .encoded(signedWith: remoteCredentials.password)
    }

    private mutating func succeeded(_ received: ReceivedStunMessage, on path: TransportPath, at now: MonotonicInstant) {
        let id = received.message.transactionID
        guard received.isSigned(with: remoteCredentials.password) else { return refuse(.wrongSignature, on: path) }
        switch state {
        case .checking:
            // A response from elsewhere than the request went to shows a path that carries data one way only
            // (§7.2.5.2.1).
            guard let nominated = checks.succeeded(id, on: path) else { return refuse(.unexpectedMessage, on: path) }
            if nominated { return connect(path, at: now) }
            if checks.isBest(path) {
                nominateAt = now
            } else if nominateAt == nil, !checks.isNominating {
                nominateAt = now + limits.nominationPatience
            }
            advance(at: now)
        case .connected(var consent):
            guard path == consent.path, consent.openRequests.contains(id) else { return }
            consent.openRequests = []
            consent.expires = now + limits.consentTimeout
            state = .connected(consent)
        case .failed: return
        }
    }

    /// Any error makes the check fail but tells nothing about consent: it is not signed by whom we do not know yet.
    private mutating func failed(_ message: StunMessage, on path: TransportPath, at now: MonotonicInstant) {
        guard state == .checking, checks.failed(message.transactionID, on: path) else {
            return refuse(.unexpectedMessage, on: path)
        }
        if message.errorCode?.code == StunErrorCode.roleConflict.code { return fail(.roleConflict) }
        advance(at: now)
    }

    private mutating func nominate(at now: MonotonicInstant) {
        nominateAt = nil
        guard !checks.isNominating, let path = checks.bestSucceeded else { return }
        check(path, nominating: true, at: now)
    }

    // MARK: Consent

    private mutating func connect(_ path: TransportPath, at now: MonotonicInstant) {
        checks = CheckList(limits: limits, at: now)
        nominateAt = nil
        let next = now + consentInterval()
        state = .connected(Consent(path: path, expires: now + limits.consentTimeout, nextRequest: next))
        outputs.append(.event(.connected(path)))
    }

    /// Each request is new and sent once (RFC 7675 §5.1). It nominates again, so that a peer which sees it come from
    /// another address, behind a NAT that forgot us, moves there.
    private mutating func askForConsent(_ consent: Consent, at now: MonotonicInstant) {
        guard now >= consent.nextRequest else { return }
        var consent = consent
        let id = transactionIDs.next()
        consent.openRequests = Array((consent.openRequests + [id]).suffix(limits.requestCountMax))
        consent.nextRequest = now + consentInterval()
        outputs.append(.transmit(request(id, on: consent.path, nominating: true), on: consent.path))
        state = .connected(consent)
    }

    private mutating func consentInterval() -> Duration {
        limits.consentInterval * (800 + transactionIDs.nextJitterPerMille()) / 1000
    }

    // MARK: The peer's checks

    private mutating func answer(_ received: ReceivedStunMessage, on path: TransportPath, at now: MonotonicInstant) {
        do throws(BindingCheck.Refused) {
            let check = try BindingCheck(received, accepting: [credentials])
            guard check.role != .controlling else {
                throw BindingCheck.Refused(reason: .roleConflict, credentials: check.credentials)
            }
            outputs.append(.transmit(check.response(to: path.remote), on: path))
            guard state == .checking else { return }
            let local = Candidate.priority(.host, path.transport, localPreference: 65_535)
            checks.add(path, priority: Candidate.pairPriority(controlling: local, controlled: check.priority))
            // The peer's check has opened its NAT for ours (§7.3.1.4).
            checks.trigger(path)
            advance(at: now)
        } catch {
            refuse(error.reason, on: path)
            guard let response = error.response(to: received.message), errorResponses.spend(at: now) else { return }
            outputs.append(.transmit(response, on: path))
        }
    }

    // MARK: Ends

    private mutating func fail(_ failure: ICEFailure) {
        state = .failed
        outputs.append(.event(.failed(failure)))
    }

    private mutating func refuse(_ reason: ICERefusal, on path: TransportPath) {
        outputs.append(.event(.refused(reason, on: path)))
    }
}
