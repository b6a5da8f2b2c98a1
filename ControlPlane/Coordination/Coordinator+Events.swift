package import ClusterModel
package import Domain
import Synchronization

extension Coordinator {
    /// Hands news to the watchers, and to the webhooks when there are any.
    func tell(_ news: [Announcement]) {
        hub.publish(news)
        guard !news.isEmpty, phase == .answering else { return }
        events.add(
            read { state, now in state.wantsEvents ? news.compactMap { state.event(of: $0, at: now) } : [] }
        )
    }

    /// Most heartbeats have none.
    func tellEvents(of heartbeat: Heartbeat, from nodeID: String) {
        guard heartbeat.renditionsGivenUp?.isEmpty == false, phase == .answering else { return }
        events.add(
            read { state, now in state.wantsEvents ? state.events(of: heartbeat, from: nodeID, at: now) : [] }
        )
    }

    // MARK: Which of several control planes sends

    private static let claimedKeysMax = 2_000
    private static let claimsKey = "webhook-events"

    private struct Claims: Codable {
        var keys: [String]
    }

    /// Of the events those that this control plane is to send. All notice the same events under the same keys; one
    /// compare-and-set decides who was first.
    package func claimed(_ events: [ClusterEvent]) async throws(StoreError) -> [ClusterEvent] {
        guard shared.withLock({ $0.isStoreShared }), !events.isEmpty else { return events }
        while true {
            let record = try await store.read(.cluster, Self.claimsKey)
            let known = try record.map { record throws(StoreError) in
                try RecordCoding.decode(Claims.self, from: record.body, key: record.key).keys
            }
            let taken = Set(known ?? [])
            let mine = events.filter { !taken.contains($0.key) }
            guard !mine.isEmpty else { return [] }
            let claims = Claims(keys: ((known ?? []) + mine.map(\.key)).suffix(Self.claimedKeysMax))
            let body = try RecordCoding.encode(claims)
            if case .done = try await store.write(.cluster, Self.claimsKey, body: body, expecting: record?.revision) {
                return mine
            }
        }
    }

    // MARK: Webhooks

    package var webhooks: [WebhookRecord] {
        read { state, _ in state.webhooks.values.map(\.body).sorted { $0.id < $1.id } }
    }

    package func createWebhook(_ settings: WebhookSettings) async throws(Problem) -> WebhookResource {
        try requireAnswering()
        return try await commit { shared, now throws(Problem) in
            let id = "wh_" + Base64Text.random(bytes: 12, using: &shared.random, isForURL: true)
            let secret = "whsec_" + Base64Text.random(bytes: 32, using: &shared.random, isForURL: false)
            return try shared.state.decideCreate(webhook: id, settings, secret: secret, at: now)
        }
    }

    package func put(
        webhook id: String,
        _ settings: WebhookSettings,
        ifMatch: RevisionCondition
    ) async throws(Problem) -> WebhookResource {
        try requireAnswering()
        return try await commit { shared, _ throws(Problem) in
            try shared.state.decidePut(webhook: id, settings, ifMatch: ifMatch)
        }
    }

    package func delete(webhook id: String, ifMatch: RevisionCondition) async throws(Problem) {
        try requireAnswering()
        _ = try await commit { shared, _ throws(Problem) in
            try shared.state.decideDelete(webhook: id, ifMatch: ifMatch)
        }
    }

    package func disable(webhook id: String, because reason: String) async throws(Problem) {
        _ = try await commit { shared, _ throws(Problem) in
            try shared.state.decideDisable(webhook: id, because: reason)
        }
    }
}
