package import ClusterModel
package import Timebase

/// What the store keeps of a webhook.
package struct WebhookRecord: Codable, Hashable, Sendable, CustomStringConvertible {
    package var id: String
    package var url: String
    package var events: [WebhookEventType]?
    /// `whsec_` and base64; signs what is sent.
    package var secret: String
    package var createdAt: WallTime
    /// Why nothing is sent any more; nil while it is.
    package var disabledBecause: String?

    init(id: String, settings: WebhookSettings, secret: String, createdAt: WallTime) {
        self.id = id
        url = settings.url
        events = settings.events
        self.secret = secret
        self.createdAt = createdAt
    }

    package var settings: WebhookSettings {
        get { WebhookSettings(url: url, events: events) }
        set { (url, events) = (newValue.url, newValue.events) }
    }

    /// Without the secret, so that it cannot be logged.
    package var description: String { "webhook \(id)" }

    package func resource(showsSecret: Bool = false) -> WebhookResource {
        WebhookResource(
            id: id,
            url: url,
            events: events,
            createdAt: createdAt,
            secret: showsSecret ? secret : nil,
            disabledBecause: disabledBecause
        )
    }
}
