package import ClusterModel
package import Timebase

/// What the store keeps of a webhook. It holds the secret and so has no description.
package struct WebhookRecord: Codable, Hashable, Sendable {
    package var id: String
    package var settings: WebhookSettings
    /// `whsec_` and base64; signs what is sent.
    package var secret: String
    package var createdAt: WallTime
    /// Why nothing is sent any more; nil while it is.
    package var disabledBecause: String?
}
