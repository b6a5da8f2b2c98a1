package import ClusterModel
import OrderedCollections
package import Timebase

/// What one control plane knows of the cluster: the store's records and leases, indexed, and what it saw itself.
///
/// Pure: it is told what was written and what time it is. Decisions read it and propose writes; nothing is true here before
/// the store said so.
package struct ClusterState: Sendable {
    /// A record as it was read. An object, so that looking something up in it copies nothing.
    package final class Stored<Body: Sendable>: Sendable {
        package let body: Body
        package let revision: Revision

        init(body: Body, revision: Revision) {
            self.body = body
            self.revision = revision
        }
    }

    package let timing: ClusterTiming
    let limits: ClusterLimits

    package internal(set) var nodes: [String: Stored<NodeRecord>] = [:]
    package internal(set) var streams: [StreamID: Stored<StreamRecord>] = [:]
    package internal(set) var groups: [String: Stored<GroupRecord>] = [:]
    package internal(set) var apps: [String: Stored<AppRecord>] = [:]
    package internal(set) var survey: Stored<RelaySurveyRecord>?
    package internal(set) var scaling: [ScalingTarget: Stored<ScalingRecord>] = [:]
    package internal(set) var webhooks: [String: Stored<WebhookRecord>] = [:]
    package internal(set) var recordings: [String: Stored<RecordingResource>] = [:]
    package internal(set) var leases: [String: LeaseView] = [:]
    var evidence: [String: NodeEvidence] = [:]
    /// When nodes that left did so.
    var departures: [String: WallTime] = [:]

    /// Nodes by what they scale with. In an order, as nodes are drawn from here by place.
    var members: OrderedDictionary<ScalingTarget, OrderedSet<String>> = [:]
    /// Streams by the node that owns them.
    var owned: [String: Set<StreamID>] = [:]
    /// Streams by the nodes that stand by for their owner or are secondary origins of them.
    var assisted: [String: Set<StreamID>] = [:]
    /// Streams that are fetched rather than published.
    var sourced: Set<StreamID> = []
    /// Of these, by the node they are placed on.
    var placed: [String: Set<StreamID>] = [:]
    /// Where owners last said their streams were, kept beyond the lease that said it: a new boot's lease says nothing of them.
    var positions: [StreamID: LastPosition] = [:]
    /// Recordings that were deleted, by the node that still has the file.
    var unwantedRecordings: [String: Set<String>] = [:]
    /// Streams that their owner's heartbeats do not name.
    var unnamed: [StreamID: UnnamedHold] = [:]
    /// Nodes whose heartbeat names the stream: owners and pullers.
    var carriers: [StreamID: OrderedSet<String>] = [:]
    /// Of each stream, by the node that pulls it, whom it says it pulls from.
    var reportedParents: [StreamID: [String: String]] = [:]
    /// Pulls of any stream by the node they are from.
    var reportedChildren: [String: Int] = [:]
    /// Players sent to a node since its last heartbeat, which could not count them yet.
    var assigned: [String: Int] = [:]
    /// Nodes whose watch closed or opened here, of which the others are to be told.
    var untoldWatches: Set<String> = []
    /// Streams whose status can change by time alone.
    var unsettled: Set<StreamID> = []
    var failedParents = FailedParents()
    var interests = RouteInterests()
    var givenRoutes = GivenRoutes()
    var recovery: Recovery? {
        didSet { (announcedEnds, sweptEnds) = (LeaseEnds(), LeaseEnds()) }
    }
    /// For the two who look for nodes that died by time.
    var announcedEnds = LeaseEnds()
    var sweptEnds = LeaseEnds()
    /// What the watchers were last told.
    var announced = Announcements()

    package init(timing: ClusterTiming = ClusterTiming(), limits: ClusterLimits = ClusterLimits()) {
        self.timing = timing
        self.limits = limits
    }

    package func settings(of app: String) -> AppSettings { apps[app]?.body.settings ?? AppSettings() }

    package var allSettings: [String: AppSettings] { apps.mapValues(\.body.settings) }
}

/// A node's lease with its report read. An object, so that looking something up in it copies nothing.
package final class LeaseView: Sendable {
    package let bootID: String
    package let bootNumber: Int64
    package let validUntil: WallTime
    package let report: Heartbeat?
    /// How long the store took for the last renewal that went through this control plane.
    package let storeTime: Duration?

    init(_ lease: Lease, _ report: Heartbeat?, storeTime: Duration?) {
        bootID = lease.bootID
        bootNumber = lease.bootNumber
        validUntil = lease.validUntil
        self.report = report
        self.storeTime = storeTime
    }
}

// MARK: - Records

extension ClusterState {
    /// Takes in a record as the store has it. Older revisions than the known one are ignored.
    package mutating func apply(_ record: Record) throws(StoreError) {
        switch record.kind {
        case .node:
            guard isNews(record.revision, nodes[record.key]?.revision) else { return }
            let body = try RecordCoding.decode(NodeRecord.self, from: record.body, key: record.key)
            announcedEnds.invalidate()
            sweptEnds.invalidate()
            if let known = nodes[record.key], known.body.bootId != body.bootId {
                evidence[record.key] = nil
                unsettle(record.key)
            }
            if nodes[record.key]?.body.watchClosedAt != body.watchClosedAt { unsettle(record.key) }
            replaceMember(record.key, nodes[record.key]?.body, with: body)
            nodes[record.key] = Stored(body: body, revision: record.revision)
            if body.watchClosedAt != nil, isWatching(record.key) { untoldWatches.insert(record.key) }
            departures[record.key] = nil
        case .stream:
            let body = try RecordCoding.decode(StreamRecord.self, from: record.body, key: record.key)
            guard let stream = try? StreamID(app: body.app, id: body.id) else {
                throw .corrupt("'\(record.key)' is no name of a stream")
            }
            guard isNews(record.revision, streams[stream]?.revision) else { return }
            index(stream, from: streams[stream]?.body, to: body)
            streams[stream] = Stored(body: body, revision: record.revision)
        case .group:
            guard isNews(record.revision, groups[record.key]?.revision) else { return }
            let body = try RecordCoding.decode(GroupRecord.self, from: record.body, key: record.key)
            groups[record.key] = Stored(body: body, revision: record.revision)
        case .app:
            guard isNews(record.revision, apps[record.key]?.revision) else { return }
            let body = try RecordCoding.decode(AppRecord.self, from: record.body, key: record.key)
            apps[record.key] = Stored(body: body, revision: record.revision)
        case .scaling:
            guard let target = ScalingTarget(recordKey: record.key) else {
                throw .corrupt("'\(record.key)' is no group and role")
            }
            guard isNews(record.revision, scaling[target]?.revision) else { return }
            let body = try RecordCoding.decode(ScalingRecord.self, from: record.body, key: record.key)
            scaling[target] = Stored(body: body, revision: record.revision)
        case .webhook:
            guard isNews(record.revision, webhooks[record.key]?.revision) else { return }
            let body = try RecordCoding.decode(WebhookRecord.self, from: record.body, key: record.key)
            webhooks[record.key] = Stored(body: body, revision: record.revision)
        case .recording:
            guard isNews(record.revision, recordings[record.key]?.revision) else { return }
            let body = try RecordCoding.decode(RecordingResource.self, from: record.body, key: record.key)
            indexUnwanted(record.key, from: recordings[record.key]?.body, to: body)
            recordings[record.key] = Stored(body: body, revision: record.revision)
        case .answer: break
        case .cluster:
            guard record.key == RelaySurveyRecord.key, isNews(record.revision, survey?.revision) else { return }
            let body = try RecordCoding.decode(RelaySurveyRecord.self, from: record.body, key: record.key)
            survey = Stored(body: body, revision: record.revision)
        }
    }

    package mutating func applyDeletion(of kind: RecordKind, key: String, at now: WallTime) {
        switch kind {
        case .node:
            guard let node = nodes.removeValue(forKey: key) else { return }
            replaceMember(key, node.body, with: nil)
            departures[key] = now
            evidence[key] = nil
            removeLease(of: key)
            unsettle(key)
        case .stream:
            guard let stream = StreamID(recordKey: key) else { return }
            index(stream, from: streams[stream]?.body, to: nil)
            streams[stream] = nil
        case .group: groups[key] = nil
        case .app: apps[key] = nil
        case .scaling: if let target = ScalingTarget(recordKey: key) { scaling[target] = nil }
        case .webhook: webhooks[key] = nil
        case .recording:
            indexUnwanted(key, from: recordings[key]?.body, to: nil)
            recordings[key] = nil
        case .answer: break
        case .cluster: if key == RelaySurveyRecord.key { survey = nil }
        }
    }

    private mutating func replaceMember(_ nodeID: String, _ old: NodeRecord?, with new: NodeRecord?) {
        if let old {
            let target = ScalingTarget(group: old.group, role: old.role)
            members[target]?.remove(nodeID)
            if members[target]?.isEmpty == true { members[target] = nil }
        }
        if let new { members[ScalingTarget(group: new.group, role: new.role), default: []].append(nodeID) }
    }

    /// A revision that is smaller can only be older news, or a record that was deleted and made again; the latter is told by
    /// its deletion first.
    private func isNews(_ revision: Revision, _ known: Revision?) -> Bool {
        known.map { revision > $0 } ?? true
    }

    private mutating func index(_ stream: StreamID, from old: StreamRecord?, to new: StreamRecord?) {
        if let owner = old?.owner?.nodeId {
            owned[owner]?.remove(stream)
            if owned[owner]?.isEmpty == true { owned[owner] = nil }
        }
        if let owner = new?.owner?.nodeId { owned[owner, default: []].insert(stream) }
        indexAssistants(stream, from: old?.assistants ?? [], to: new?.assistants ?? [])
        indexSource(stream, from: old, to: new)
        if new == nil {
            unsettled.remove(stream)
            positions[stream] = nil
            unnamed[stream] = nil
            announced.note(stream, nil)
        } else {
            // Also with an owner: it may be gone already by the time this is heard of.
            unsettled.insert(stream)
        }
    }

    private mutating func indexAssistants(_ stream: StreamID, from old: Set<String>, to new: Set<String>) {
        for nodeID in old.subtracting(new) {
            assisted[nodeID]?.remove(stream)
            if assisted[nodeID]?.isEmpty == true { assisted[nodeID] = nil }
        }
        for nodeID in new.subtracting(old) { assisted[nodeID, default: []].insert(stream) }
    }
}

extension StreamRecord {
    /// Who stands by for its owner, and its secondary origins.
    var assistants: Set<String> {
        Set(secondaries.values.map(\.nodeId)).union(standby.map { [$0.nodeId] } ?? [])
    }
}

extension StreamID {
    package init?(recordKey key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let stream = try? StreamID(app: String(parts[0]), id: String(parts[1])) else {
            return nil
        }
        self = stream
    }

    package var recordKey: String { description }
}

// MARK: - Leases

extension ClusterState {
    /// The last heartbeat as the lease carries it; nil when it is not to be read.
    package static func report(of lease: Lease) -> Heartbeat? {
        lease.report.withUnsafeBytes(HeartbeatReader.read)
            ?? (try? RecordCoding.decode(Heartbeat.self, from: lease.report, key: lease.nodeID))
    }

    /// Whether the lease as the store has it says more than the known one. An older boot's never replaces a newer one's.
    package func isNews(_ lease: Lease) -> Bool {
        guard let known = leases[lease.nodeID] else { return true }
        return (known.bootNumber, known.validUntil) < (lease.bootNumber, lease.validUntil)
    }

    /// Takes in a lease with its report, unless it is old. `storeTime`: of a renewal that went through this control plane.
    package mutating func apply(_ lease: Lease, _ report: Heartbeat?, storeTime: Duration? = nil) {
        let known = leases[lease.nodeID]
        if let known, (known.bootNumber, known.validUntil) > (lease.bootNumber, lease.validUntil) { return }
        announcedEnds.noteEnd(lease.validUntil)
        sweptEnds.noteEnd(lease.validUntil)
        replaceCarried(by: lease.nodeID, known?.report, with: report)
        if let report {
            notePositions(of: report, at: lease.validUntil)
            let held = Set(report.holds.compactMap { try? StreamID(app: $0.app, id: $0.id) })
            let others = (owned[lease.nodeID] ?? []).subtracting(held)
            unsettled.formUnion(others)
            noteUnnamed(others, butNamed: held, by: lease)
        }
        assigned[lease.nodeID] = nil
        leases[lease.nodeID] = LeaseView(lease, report, storeTime: storeTime ?? known?.storeTime)
    }

    package mutating func removeLease(of nodeID: String) {
        guard let lease = leases.removeValue(forKey: nodeID) else { return }
        announcedEnds.invalidate()
        sweptEnds.invalidate()
        replaceCarried(by: nodeID, lease.report, with: nil)
    }

    private mutating func replaceCarried(by nodeID: String, _ old: Heartbeat?, with new: Heartbeat?) {
        // Mostly a node carries what it carried: then there is nothing to sort in.
        if let old, let new, old.carriesSame(as: new) { return }
        let before = old?.carried ?? []
        let after = new?.carried ?? []
        for stream in before.subtracting(after) {
            carriers[stream]?.remove(nodeID)
            if carriers[stream]?.isEmpty == true { carriers[stream] = nil }
        }
        for stream in after.subtracting(before) { carriers[stream, default: []].append(nodeID) }
        replacePulls(by: nodeID, old, with: new)
    }
}

extension ClusterState {
    private mutating func replacePulls(by nodeID: String, _ old: Heartbeat?, with new: Heartbeat?) {
        if let old, let new, old.pulls == new.pulls { return }
        for pull in old?.pulls ?? [] {
            guard let stream = try? StreamID(app: pull.app, id: pull.id) else { continue }
            replaceParent(of: nodeID, stream, with: nil)
        }
        for pull in new?.pulls ?? [] {
            guard let stream = try? StreamID(app: pull.app, id: pull.id) else { continue }
            replaceParent(of: nodeID, stream, with: pull.from)
        }
    }

    private mutating func replaceParent(of nodeID: String, _ stream: StreamID, with parent: String?) {
        if let former = reportedParents[stream]?[nodeID] {
            reportedChildren[former, default: 0] -= 1
            if reportedChildren[former] == 0 { reportedChildren[former] = nil }
        }
        if let parent { reportedChildren[parent, default: 0] += 1 }
        reportedParents[stream, default: [:]][nodeID] = parent
        if reportedParents[stream]?.isEmpty == true { reportedParents[stream] = nil }
    }
}

/// A hold that the heartbeats of its owner do not name.
struct UnnamedHold: Sendable {
    var epoch: Int64
    var since: WallTime
}

/// What a heartbeat said of a stream its sender owned.
struct LastPosition: Sendable {
    var epoch: Int64
    var next: StreamPosition
    var heardAt: WallTime
}

extension ClusterState {
    private mutating func noteUnnamed(_ streams: Set<StreamID>, butNamed held: Set<StreamID>, by lease: Lease) {
        if !unnamed.isEmpty { for stream in held { unnamed[stream] = nil } }
        let heardAt = WallTime(milliseconds: lease.validUntil.milliseconds - timing.leaseDuration.milliseconds)
        for stream in streams {
            guard let record = self.streams[stream]?.body, record.owner?.bootId == lease.bootID,
                unnamed[stream]?.epoch != record.epoch
            else { continue }
            unnamed[stream] = UnnamedHold(epoch: record.epoch, since: heardAt)
        }
    }

    private mutating func notePositions(of report: Heartbeat, at leaseEnd: WallTime) {
        let heardAt = WallTime(milliseconds: leaseEnd.milliseconds - timing.leaseDuration.milliseconds)
        for hold in report.holds {
            guard let next = hold.next, let stream = try? StreamID(app: hold.app, id: hold.id),
                streams[stream]?.body.epoch == hold.epoch
            else { continue }
            positions[stream] = LastPosition(epoch: hold.epoch, next: next, heardAt: heardAt)
        }
    }
}

extension Heartbeat {
    /// Every stream it names, by a name the cluster serves.
    var carried: Set<StreamID> {
        var names: Set<StreamID> = []
        for hold in holds { if let name = try? StreamID(app: hold.app, id: hold.id) { names.insert(name) } }
        for pull in pulls { if let name = try? StreamID(app: pull.app, id: pull.id) { names.insert(name) } }
        for stream in streams { if let name = try? StreamID(app: stream.app, id: stream.id) { names.insert(name) } }
        return names
    }

    func carriesSame(as other: Heartbeat) -> Bool {
        holds.elementsEqual(other.holds) { $0.id == $1.id && $0.app == $1.app }
            && pulls.elementsEqual(other.pulls) { $0.id == $1.id && $0.app == $1.app && $0.from == $1.from }
            && streams.elementsEqual(other.streams) { $0.id == $1.id && $0.app == $1.app }
    }

    func pull(of stream: StreamID) -> Pull? { pulls.first { $0.app == stream.app && $0.id == stream.id } }
    func report(of stream: StreamID) -> StreamReport? { streams.first { $0.app == stream.app && $0.id == stream.id } }
}
