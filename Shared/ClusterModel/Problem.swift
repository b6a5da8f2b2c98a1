/// An RFC 9457 problem, the body of every refusal over HTTP.
package struct Problem: Codable, Hashable, Sendable, Error {
    /// What kind of refusal this is; the last word of `type`.
    package enum Kind: String, Codable, CaseIterable, Sendable {
        case badRequest = "bad-request"
        case badName = "bad-name"
        case unauthorized
        case forbidden
        case notFound = "not-found"
        case unknownStream = "unknown-stream"
        case methodNotAllowed = "method-not-allowed"
        case streamInUse = "stream-in-use"
        case superseded
        case conflict
        case preconditionFailed = "precondition-failed"
        case tooLarge = "too-large"
        case unprocessable
        case tooManyRequests = "too-many-requests"
        case unavailable
        case outOfReach = "out-of-reach"
        case storeUnavailable = "store-unavailable"
        case draining
        case overloaded
        case internalError = "internal-error"
    }

    package static let typePrefix = "urn:millrace:problem/"

    package var type: String
    package var title: String
    package var status: Int
    /// What, why and what to do.
    package var detail: String
    /// The present owner, with `stream-in-use`.
    package var owner: String?
    /// With `unknown-stream`: where a stream that has just finished can still be read over HTTP.
    package var lastOwner: NodeAddresses?

    package init(_ kind: Kind, status: Int, title: String, detail: String, owner: String? = nil) {
        type = Self.typePrefix + kind.rawValue
        self.title = title
        self.status = status
        self.detail = detail
        self.owner = owner
    }

    package var kind: Kind? {
        type.split(separator: "/").last.flatMap { Kind(rawValue: String($0)) }
    }
}

/// One page of a list. `nextCursor` is nil on the last one.
package struct Page<Item: Codable & Sendable>: Codable, Sendable {
    package var items: [Item]
    package var nextCursor: String?

    package init(items: [Item], nextCursor: String?) {
        self.items = items
        self.nextCursor = nextCursor
    }

    private enum CodingKeys: String, CodingKey { case items, nextCursor }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(items, forKey: .items)
        try container.encode(nextCursor, forKey: .nextCursor)
    }
}
