package import Timebase

/// Where the cluster's records live. Everything the control plane must not forget goes through here.
///
/// Promises every store keeps, and `StoreConformance` checks on each:
/// - **One decision, one compare-and-set.** `write` and `delete` take effect only if the record still has the revision the
///   caller saw; of any number of callers that race from one revision, exactly one wins. Several control planes may share
///   one store without a leader.
/// - **Acknowledged is durable.** A record whose write returned survives the crash of this process and of the store's.
/// - **The store's clock judges.** Leases end by instants that the store gave, never by a caller's clock.
/// - A call either takes effect and returns, or throws `StoreError`. After `.unavailable` it may or may not have taken
///   effect: read back before deciding again.
///
/// Calls may block inside; implementations run that work on threads of their own, never on the cooperative pool, and
/// heartbeats (`renew`) never queue behind other calls.
package protocol ClusterStore: Sendable {
    /// For logs and `doctor`: the kind and place of the store, without credentials.
    var description: String { get }

    /// The store's own clock, told by a store that takes writes: throws while a write would not be acknowledged.
    func now() async throws(StoreError) -> WallTime

    /// All records of a kind whose key follows `cursor`, in key order, at most `limit` (1 to 1,000).
    func list(_ kind: RecordKind, after cursor: String?, limit: Int) async throws(StoreError) -> [Record]

    func read(_ kind: RecordKind, _ key: String) async throws(StoreError) -> Record?

    /// Writes `body` if the record's revision is `expected`; nil expects that there is no such record.
    func write(
        _ kind: RecordKind,
        _ key: String,
        body: [UInt8],
        expecting expected: Revision?
    ) async throws(StoreError) -> WriteOutcome

    /// Removes the record if its revision is `expected`.
    func delete(_ kind: RecordKind, _ key: String, expecting expected: Revision) async throws(StoreError)
        -> WriteOutcome

    /// Renews leases, many in one round trip. A lease is renewed, or made if there is none; it is refused with `.superseded`
    /// if a newer boot of the node holds it. `validUntil` becomes the store's time plus `duration`.
    ///
    /// Outcomes stand in the order of `renewals`.
    func renew(_ renewals: [LeaseRenewal], for duration: Duration) async throws(StoreError) -> LeaseReport

    /// Every lease, also ended ones, in order of node id, with the store's time of the answer.
    func leases() async throws(StoreError) -> (leases: [Lease], now: WallTime)

    /// Forgets a node's lease.
    func removeLease(of nodeID: String) async throws(StoreError)

    /// Calls `handler` for every record that anybody, this process included, writes or deletes after the call began.
    /// Returns when the task is cancelled; throws when changes may have been missed, and the caller must read all anew.
    /// A store that only one process can open returns at once: that process knows what it wrote.
    func follow(_ handler: @escaping @Sendable (StoreChange) -> Void) async throws(StoreError)

    /// Ends all work and frees the store. Calls after it throw `.unavailable`.
    func close() async
}

/// The kinds of record, each a table or collection of its own.
package enum RecordKind: String, CaseIterable, Sendable {
    /// Key: node id.
    case node
    /// Key: `app/id`.
    case stream
    /// Key: group name.
    case group
    /// Key: app name.
    case app
    /// Key: `group/role`.
    case scaling
    /// Key: the webhook's id.
    case webhook
    /// Key: `app/name`.
    case recording
    /// Key: digest of an `Idempotency-Key` and what it stands for.
    case answer
    /// Facts about the cluster itself. Key: the fact's name.
    case cluster
}

/// Counts the writes of one record, from 1.
package struct Revision: Hashable, Comparable, Sendable {
    package var value: Int64
    package init(_ value: Int64) { self.value = value }
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

package struct Record: Hashable, Sendable {
    package var kind: RecordKind
    package var key: String
    package var revision: Revision
    /// A JSON object.
    package var body: [UInt8]

    package init(kind: RecordKind, key: String, revision: Revision, body: [UInt8]) {
        self.kind = kind
        self.key = key
        self.revision = revision
        self.body = body
    }
}

package enum WriteOutcome: Hashable, Sendable {
    /// It took effect; the record now has this revision (for a delete: had).
    case done(Revision)
    /// Somebody was faster. Holds the record as it is now, nil when it is gone.
    case conflict(Record?)
}

package struct LeaseRenewal: Hashable, Sendable {
    package var nodeID: String
    package var bootID: String
    /// Grows with each boot of the node; the larger one supersedes.
    package var bootNumber: Int64
    /// What the node reported, a JSON object, kept beside the lease.
    package var report: [UInt8]

    package init(nodeID: String, bootID: String, bootNumber: Int64, report: [UInt8]) {
        self.nodeID = nodeID
        self.bootID = bootID
        self.bootNumber = bootNumber
        self.report = report
    }
}

package struct Lease: Hashable, Sendable {
    package var nodeID: String
    package var bootID: String
    package var bootNumber: Int64
    package var validUntil: WallTime
    package var report: [UInt8]

    package init(nodeID: String, bootID: String, bootNumber: Int64, validUntil: WallTime, report: [UInt8]) {
        self.nodeID = nodeID
        self.bootID = bootID
        self.bootNumber = bootNumber
        self.validUntil = validUntil
        self.report = report
    }
}

package enum LeaseOutcome: Hashable, Sendable {
    case renewed(validUntil: WallTime)
    /// A newer boot of the node holds the lease.
    case superseded(byBootID: String)
}

package struct LeaseReport: Hashable, Sendable {
    package var outcomes: [LeaseOutcome]
    package var now: WallTime

    package init(outcomes: [LeaseOutcome], now: WallTime) {
        self.outcomes = outcomes
        self.now = now
    }
}

package enum StoreChange: Hashable, Sendable {
    case written(Record)
    case deleted(RecordKind, key: String)
}

package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The store does not answer, or not in time. Worth trying again.
    case unavailable(String)
    /// The store answered no: wrong credentials, another process holds it, a newer schema. Trying again will not help.
    case refused(String)
    /// A stored record is not what this version wrote.
    case corrupt(String)

    package var description: String {
        switch self {
        case .unavailable(let reason): "the store does not answer: \(reason)"
        case .refused(let reason): "the store refuses: \(reason)"
        case .corrupt(let reason): "the store holds a record that cannot be read: \(reason)"
        }
    }
}
