package import ClusterModel
package import Domain
package import Logging
import Synchronization
package import Timebase

/// The shell around the domain: keeps its state, makes its writes, retries what somebody else was faster with.
///
/// Every decision is taken under one short lock and made true by one compare-and-set in the store, outside the lock.
package final class Coordinator: Sendable {
    /// Whether the store can be asked.
    package enum Phase: Sendable {
        /// The records were not read yet.
        case starting
        case answering
        case away
    }

    struct Shared: Sendable {
        var state: ClusterState
        var random: any RandomNumberGenerator & Sendable
        var storeTime = StoreTimeEstimate()
        var phase = Phase.starting
        /// Open watch connections by node, with the boot each was opened for.
        var watches: [String: [String: Int]] = [:]
        var probing: Set<String> = []
        /// The beginning of the last period this process judged; one that changes nothing leaves no trace in the store.
        var judgedPeriods: [ScalingTarget: WallTime] = [:]
        /// Whether others may write to the store: then what this process knows can be behind.
        var isStoreShared = true
        /// A node registered through another control plane, so its lease is in the store only.
        var lacksLease = false
        var stillness = Stillness()

        /// The store's time, as far as it is known. To a process that stood still, stopped or without a processor, that was an
        /// outage: whoever asks first when it runs again begins it, before anything is judged by leases that it did not see renewed.
        mutating func now(at instant: MonotonicInstant) -> WallTime {
            if let ranAt = stillness.end(at: instant), phase == .answering {
                phase = .away
                state.beginOutage(at: storeTime.now(at: ranAt))
            }
            return storeTime.now(at: instant)
        }

        /// The store's answer. By a clock that was set forward leases end that nobody could renew: nobody loses one for that.
        mutating func heard(_ time: WallTime, at instant: MonotonicInstant) {
            let leaps = phase == .answering && time - storeTime.now(at: instant) > Coordinator.storeLeapMax
            storeTime.heard(time, at: instant)
            if leaps { state.beginRecovery(at: time) }
        }
    }

    /// A store's time that is further ahead of what has passed here was set.
    private static let storeLeapMax = Duration.seconds(2)

    /// Asks whether a relay port answers within the time.
    package typealias Probe = @Sendable (_ host: String, _ port: Int, _ timeout: Duration) async -> Bool

    let store: any ClusterStore
    let clock: CoordinatorClock
    let timing: ClusterTiming
    let probe: Probe
    let logger: Logger
    let shared: Mutex<Shared>
    let signals = Signals()
    let batcher: HeartbeatBatcher
    let answerLimits: AnswerLimits
    /// Reserved since the last sweep of answers.
    let answersWritten = Atomic(0)
    package let hub: WatchHub
    package let events = EventFeed()
    private let relayKey: RelayKey

    /// `gathering` is the clock by which heartbeats wait for each other: nothing is judged by it, so that it can go on where a
    /// test stops the other.
    package init(
        store: any ClusterStore,
        hub: WatchHub,
        relayKey: RelayKey,
        clock: CoordinatorClock = .system,
        gathering: CoordinatorClock = .system,
        timing: ClusterTiming = ClusterTiming(),
        answerLimits: AnswerLimits = AnswerLimits(),
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        probe: @escaping Probe,
        logger: Logger
    ) {
        self.store = store
        self.hub = hub
        self.relayKey = relayKey
        self.clock = clock
        self.timing = timing
        self.answerLimits = answerLimits
        self.probe = probe
        self.logger = logger
        shared = Mutex(Shared(state: ClusterState(timing: timing), random: random))
        batcher = HeartbeatBatcher(store: store, lease: timing.leaseDuration, clock: gathering)
    }

    package var phase: Phase { shared.withLock { $0.phase } }

    /// The store's time, as far as it is known.
    package var now: WallTime { shared.withLock { $0.now(at: clock.now()) } }

    /// Reads the state at the store's present time.
    package func read<Answer: Sendable, Refusal: Error>(
        _ body: (ClusterState, WallTime) throws(Refusal) -> Answer
    ) throws(Refusal) -> Answer {
        try shared.withLock { shared throws(Refusal) in
            let now = shared.now(at: clock.now())
            return try body(shared.state, now)
        }
    }

    func ticket(for stream: StreamID, child: String) -> String {
        RelayTicket(stream: stream, child: child, expiresAt: now + RelayTicket.lifetime).signed(with: relayKey)
    }

    // MARK: Decide, write, or decide again

    /// More conflicts than this on one record mean that something is wrong, not that others are fast.
    static let attemptsMax = 32

    func commit<Answer: Sendable>(
        _ decide: (inout Shared, WallTime) throws(Problem) -> Decision<Answer>
    ) async throws(Problem) -> Answer {
        for _ in 0..<Self.attemptsMax {
            let decision = try shared.withLock { shared throws(Problem) in
                let now = shared.now(at: clock.now())
                return try decide(&shared, now)
            }
            switch decision {
            case .answer(let answer): return answer
            case .write(let write, let answer): if try await perform(write) { return answer }
            }
        }
        throw .unavailable("Others changed the same record again and again. Try again shortly.")
    }

    /// False when somebody was faster; the state then holds the winner's record.
    func perform(_ write: RecordWrite) async throws(Problem) -> Bool {
        do throws(StoreError) {
            switch try await send(write) {
            case .done(let revision):
                absorb(write, revision)
                return true
            case .conflict(let record):
                absorb(conflict: record, write)
                return false
            }
        } catch {
            throw failed(error)
        }
    }

    private func send(_ write: RecordWrite) async throws(StoreError) -> WriteOutcome {
        if let body = write.body {
            return try await store.write(write.kind, write.key, body: body, expecting: write.expected)
        }
        guard let expected = write.expected else { return .done(Revision(0)) }
        return try await store.delete(write.kind, write.key, expecting: expected)
    }

    private func absorb(_ write: RecordWrite, _ revision: Revision) {
        guard let body = write.body else { return absorb(.deleted(write.kind, key: write.key)) }
        absorb(.written(Record(kind: write.kind, key: write.key, revision: revision, body: body)))
    }

    private func absorb(conflict record: Record?, _ write: RecordWrite) {
        guard let record else { return absorb(.deleted(write.kind, key: write.key)) }
        // A smaller revision than the one expected: it was deleted and made anew.
        if let expected = write.expected, record.revision < expected { absorb(.deleted(write.kind, key: write.key)) }
        absorb(.written(record))
    }

    /// Takes in what the store said, and tells those whom it concerns.
    func absorb(_ change: StoreChange) {
        let (news, noticed) = shared.withLock { shared -> ([Announcement], [ClusterEvent]) in
            let now = shared.now(at: clock.now())
            let isRunning = shared.phase == .answering && shared.state.wantsEvents
            let noticed = isRunning ? shared.state.events(of: change, at: now) : []
            do {
                let news = try shared.state.take(change, at: now)
                if case .written(let record) = change, record.kind == .node, shared.state.lacksLease(of: record.key) {
                    shared.lacksLease = true
                }
                return (news, noticed)
            } catch {
                logger.error("A record was skipped", metadata: ["error": "\(error)"])
                return ([], [])
            }
        }
        events.add(noticed)
        tell(news)
        signals.fire()
    }
}

extension ClusterState {
    /// Applies a change of the store; answers with what it means for watchers.
    mutating func take(_ change: StoreChange, at now: WallTime) throws(StoreError) -> [Announcement] {
        switch change {
        case .deleted(let kind, let key):
            let formerParent = kind == .group ? groups[key]?.body.settings.parent : nil
            applyDeletion(of: kind, key: key, at: now)
            switch kind {
            case .node: return announceNode(key, at: now)
            // What was set up falls back to the defaults.
            case .app: return [Announcement(event: .app(.init(app: key, settings: AppSettings())), nodes: nil)]
            case .group: return formerParent == nil ? [] : announceMembers(below: key, at: now)
            case .stream, .scaling, .webhook, .recording, .answer, .cluster: return []
            }
        case .written(let record):
            let stream = record.kind == .stream ? StreamID(recordKey: record.key) : nil
            let former = stream.flatMap { streams[$0]?.body }
            let formerRecording = record.kind == .recording ? recordings[record.key]?.body : nil
            let formerParent = record.kind == .group ? groups[record.key]?.body.settings.parent : nil
            try apply(record)
            switch record.kind {
            case .node: return announceNode(record.key, always: true, at: now)
            case .app:
                guard let settings = apps[record.key]?.body.settings else { return [] }
                return [Announcement(event: .app(.init(app: record.key, settings: settings)), nodes: nil)]
            case .stream:
                guard let stream else { return [] }
                let news = announce(stream, formerOwner: former?.owner, formerEpoch: former?.epoch ?? 0, at: now)
                // Their next heartbeat, which this makes them send, is answered with what they are to do.
                return reordered(former, streams[stream]?.body).sorted().reduce(into: news) {
                    $0 += announceNode($1, always: true, at: now)
                }
            case .cluster: return announceSurvey(at: now)
            case .recording:
                let node = remover(formerRecording, recordings[record.key]?.body)
                return node.map { announceNode($0, always: true, at: now) } ?? []
            case .group:
                let isMoved = groups[record.key]?.body.settings.parent != formerParent
                return isMoved ? announceMembers(below: record.key, at: now) : []
            case .scaling, .webhook, .answer: return []
            }
        }
    }
}
