package import Timebase

import struct Foundation.Data

/// What can be told to a webhook. The raw value is the event's `type`.
package enum WebhookEventType: String, Choice {
    case streamStarted = "stream.started"
    case streamInterrupted = "stream.interrupted"
    case streamFinished = "stream.finished"
    case renditionGivenUp = "rendition.givenUp"
    case nodeJoined = "node.joined"
    case nodeDead = "node.dead"
    case nodeDraining = "node.draining"
    case nodeDrained = "node.drained"
    case nodeLeft = "node.left"
    case scalingDecision = "scaling.decision"
}

/// `POST /v1/webhooks`, `PUT /v1/webhooks/{id}`.
package struct WebhookSettings: Codable, Hashable, Sendable {
    package var url: String
    /// Types of event wanted; nil wants all.
    package var events: [WebhookEventType]?
    /// `whsec_` and the base64 of 24 to 64 bytes. Left out: one is made for a new webhook, an old one's stays.
    package var secret: String?

    package init(url: String, events: [WebhookEventType]? = nil, secret: String? = nil) {
        self.url = url
        self.events = events
        self.secret = secret
    }

    package func wants(_ type: WebhookEventType) -> Bool { events?.contains(type) ?? true }

    /// The first value that cannot be right, as a sentence; nil when all can.
    package var fault: String? {
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), (9...2048).contains(url.utf8.count),
            url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !authority.isEmpty
        else { return "url is not an http:// or https:// address of at most 2048 characters" }
        if authority.contains("@") { return "url holds a user name or password; the signature takes their place" }
        if let secret, Self.key(of: secret) == nil {
            return "secret is not 'whsec_' followed by the base64 of 24 to 64 bytes"
        }
        if events?.isEmpty == true { return "events is an empty list: nothing would be sent; without it all are" }
        return nil
    }

    /// The bytes that sign; nil when the text is no secret.
    package static func key(of secret: String) -> [UInt8]? {
        let prefix = "whsec_"
        guard secret.hasPrefix(prefix), let data = Data(base64Encoded: String(secret.dropFirst(prefix.count))),
            (24...64).contains(data.count)
        else { return nil }
        return Array(data)
    }

    private var authority: Substring {
        let rest = url.drop { $0 != "/" }.dropFirst(2)
        return rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    }
}

/// A webhook as the API shows it. Its secret is shown once, in the answer that made it.
package struct WebhookResource: Codable, Hashable, Sendable {
    package var id: String
    package var url: String
    package var events: [WebhookEventType]?
    package var createdAt: WallTime
    package var secret: String?
    package var disabledBecause: String?

    package init(
        id: String,
        url: String,
        events: [WebhookEventType]?,
        createdAt: WallTime,
        secret: String?,
        disabledBecause: String?
    ) {
        self.id = id
        self.url = url
        self.events = events
        self.createdAt = createdAt
        self.secret = secret
        self.disabledBecause = disabledBecause
    }
}
