package import Timebase

/// How a write was answered under its `Idempotency-Key`, for whoever repeats it at any control plane.
package struct AnswerRecord: Codable, Hashable, Sendable {
    package struct Answer: Codable, Hashable, Sendable {
        package var status: Int
        package var headers: [String: String]
        package var body: String

        package init(status: Int, headers: [String: String], body: String) {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    /// Of the request's body; another body under the same key is another request.
    package var requestDigest: String
    /// Nil while the first request is being answered.
    package var answer: Answer?
    /// By the store's clock. From then on it is as if the key had never been used.
    package var endsAt: WallTime

    package init(requestDigest: String, answer: Answer? = nil, endsAt: WallTime) {
        self.requestDigest = requestDigest
        self.answer = answer
        self.endsAt = endsAt
    }
}
