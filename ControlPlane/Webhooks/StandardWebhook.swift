import ClusterModel
import Crypto
package import Domain
package import Timebase

import struct Foundation.Data
import class Foundation.JSONEncoder

/// A message as Standard Webhooks 1.0 wants it: a body and the three headers that prove where it comes from.
package struct StandardWebhook: Hashable, Sendable {
    package var id: String
    package var body: [UInt8]

    /// Events of one key have one id, so that a receiver can tell a repetition.
    package init(_ event: ClusterEvent) throws {
        let digest = SHA256.hash(data: Data(event.key.utf8)).prefix(16)
        id = "msg_" + digest.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        body = Array(try encoder.encode(Body(event)))
    }

    /// Signed anew for each attempt: receivers refuse old timestamps.
    package func headers(secret: String, at now: WallTime) -> [(name: String, value: String)]? {
        guard let key = WebhookSettings.key(of: secret) else { return nil }
        let timestamp = now.milliseconds / 1000
        let signed = Array("\(id).\(timestamp).".utf8) + body
        let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: key))
        return [
            ("content-type", "application/json"), ("webhook-id", id), ("webhook-timestamp", "\(timestamp)"),
            ("webhook-signature", "v1,\(Data(code).base64EncodedString())"),
        ]
    }

    private struct Body: Encodable {
        let event: ClusterEvent

        init(_ event: ClusterEvent) { self.event = event }

        private enum CodingKeys: String, CodingKey { case type, timestamp, data }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(event.type, forKey: .type)
            try container.encode(event.at, forKey: .timestamp)
            switch event.subject {
            case .stream(let change): try container.encode(change, forKey: .data)
            case .rendition(let change, let nodeID):
                try container.encode(RenditionData(change, nodeID: nodeID), forKey: .data)
            case .node(let id, let group, let role):
                try container.encode(NodeData(nodeId: id, group: group, role: role), forKey: .data)
            case .scaling(let target, let decision):
                try container.encode(ScalingData(group: target.group, role: target.role, decision), forKey: .data)
            }
        }
    }

    private struct RenditionData: Encodable {
        var app: String
        var id: String
        var rendition: String
        var nodeId: String

        init(_ change: RenditionChange, nodeID: String) {
            (app, id, rendition) = (change.app, change.id, change.rendition)
            nodeId = nodeID
        }
    }

    private struct NodeData: Encodable {
        var nodeId: String
        var group: String
        var role: NodeRole?
    }

    private struct ScalingData: Encodable {
        var group: String
        var role: NodeRole
        var current: Int
        var desired: Int
        var utilisation: Double
        var reasons: [String]
        var drained: [String]

        init(group: String, role: NodeRole, _ decision: ScalingDecision) {
            self.group = group
            self.role = role
            current = decision.current
            desired = decision.desired
            utilisation = decision.utilisation
            reasons = decision.reasons
            drained = decision.drained
        }
    }
}
