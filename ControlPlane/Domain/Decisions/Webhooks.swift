package import ClusterModel
package import Timebase

extension ClusterState {
    package func decideCreate(
        webhook id: String,
        _ settings: WebhookSettings,
        secret: String,
        at now: WallTime
    ) throws(Problem) -> Decision<WebhookResource> {
        try check(settings)
        guard webhooks.count < limits.webhooksMax else {
            throw .conflict("There are \(webhooks.count) webhooks already, the most there may be. Delete one first.")
        }
        let record = WebhookRecord(id: id, settings: settings, secret: settings.secret ?? secret, createdAt: now)
        return .write(try .of(.webhook, id, record, expecting: nil), then: record.resource(showsSecret: true))
    }

    /// Changes it, and enables it again when it was disabled. Without a secret the old one goes on.
    package func decidePut(
        webhook id: String,
        _ settings: WebhookSettings,
        ifMatch: RevisionCondition
    ) throws(Problem) -> Decision<WebhookResource> {
        try check(settings)
        let stored = try stored(webhook: id)
        try ifMatch.check(stored.revision)
        var record = stored.body
        record.settings = settings
        record.secret = settings.secret ?? record.secret
        record.disabledBecause = nil
        if record == stored.body { return .answer(record.resource()) }
        return .write(try .of(.webhook, id, record, expecting: stored.revision), then: record.resource())
    }

    package func decideDelete(webhook id: String, ifMatch: RevisionCondition) throws(Problem) -> Decision<Bool> {
        let stored = try stored(webhook: id)
        try ifMatch.check(stored.revision)
        return .write(RecordWrite(kind: .webhook, key: id, body: nil, expected: stored.revision), then: true)
    }

    package func decideDisable(webhook id: String, because reason: String) throws(Problem) -> Decision<Bool> {
        guard let stored = webhooks[id], stored.body.disabledBecause == nil else { return .answer(false) }
        var record = stored.body
        record.disabledBecause = reason
        return .write(try .of(.webhook, id, record, expecting: stored.revision), then: true)
    }

    private func check(_ settings: WebhookSettings) throws(Problem) {
        if let fault = settings.fault { throw .unprocessable(fault) }
    }

    private func stored(webhook id: String) throws(Problem) -> Stored<WebhookRecord> {
        guard let stored = webhooks[id] else { throw .notFound("There is no webhook '\(id.prefix(40))'.") }
        return stored
    }
}
