import Observability

package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
}

package struct HTTPHeader: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Its description leaves headers and query out: they may carry secrets.
package struct HTTPRequest: Sendable, CustomStringConvertible, CustomReflectable {
    package var method: HTTPMethod
    /// Absolute, `http` or `https`.
    package var url: String
    package var headers: [HTTPHeader]
    package var body: [UInt8]
    /// With `send` the time for the whole exchange, with `stream` the longest silence.
    package var timeout: Duration

    package init(
        _ method: HTTPMethod,
        _ url: String,
        headers: [HTTPHeader] = [],
        body: [UInt8] = [],
        timeout: Duration
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }

    package var description: String { "\(method.rawValue) \(url.prefix { $0 != "?" }.withoutCredentials)" }
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}

package struct HTTPResponseHead: Hashable, Sendable {
    package var status: Int
    /// Names as the server wrote them.
    package var headers: [HTTPHeader]

    package init(status: Int, headers: [HTTPHeader] = []) {
        self.status = status
        self.headers = headers
    }

    /// The first value of a header; names are compared without case (RFC 9110 §5.1).
    package subscript(name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}

package struct HTTPResponse: Hashable, Sendable {
    package var head: HTTPResponseHead
    package var body: [UInt8]

    package init(head: HTTPResponseHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }

    package var status: Int { head.status }
}
