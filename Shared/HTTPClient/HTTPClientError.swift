/// Why a request got no complete response. A response with an error status is a response, not one of these.
package enum HTTPClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The request as given cannot be sent.
    case badRequest(String)
    case cancelled
    /// No connection was made: the server has not seen the request.
    case cannotConnect(String)
    /// The client was shut down, or could not start.
    case closed
    /// The connection broke: the server may have acted on the request.
    case connectionLost(String)
    /// libcurl would not take the request: the server has not seen it.
    case notStarted(String)
    case responseTooLarge(bytesMax: Int)
    /// No answer, or silence within one, for this long: the server may have acted on the request.
    case timedOut(Duration)
    case tooManyRequests(requestsMax: Int)
    /// The server is not who it should be, or speaks no TLS we do.
    case untrusted(String)

    package var description: String {
        switch self {
        case .badRequest(let reason): "the request cannot be sent: \(reason)"
        case .cancelled: "the request was cancelled"
        case .cannotConnect(let reason): "no connection to the server: \(reason)"
        case .closed: "the HTTP client is shut down"
        case .connectionLost(let reason): "the connection broke before the response was complete: \(reason)"
        case .notStarted(let reason): "the request could not be started: \(reason)"
        case .responseTooLarge(let max): "the response is larger than the \(max) bytes allowed"
        case .timedOut(let time): "no answer within \(time)"
        case .tooManyRequests(let max): "\(max) requests are under way already"
        case .untrusted(let reason):
            "no secure connection to the server, check its certificate and the CA file: \(reason)"
        }
    }
}
