import Synchronization

package struct HTTPClientLimits: Sendable {
    package var connectTimeout = Duration.seconds(2)
    /// Connections kept open for the next request.
    package var idleConnectionsMax = 8
    /// To one server; requests beyond it wait, and their timeout runs.
    package var connectionsPerServerMax = 32
    /// Under way or waiting; more are refused at once.
    package var requestsMax = 1024
    package var responseHeadBytesMax = 64 * 1024
    /// Of a response that `send` collects. What `stream` hands on is not counted.
    package var responseBodyBytesMax = 8 * 1024 * 1024

    package init() {}
}

/// HTTP/1.1 by libcurl on a thread of its own, so that no event loop and no task ever waits for a socket or a resolver.
/// Connections are kept and used again. Redirects are not followed and proxies not used.
package final class HTTPClient: Sendable {
    private let loop: TransferLoop

    /// - Parameter caFile: PEM certificates to trust instead of the system's.
    package init(name: String = "http", limits: HTTPClientLimits = HTTPClientLimits(), caFile: String? = nil) {
        loop = TransferLoop(limits: limits, caFile: caFile)
        loop.start(threadName: name)
    }

    deinit { loop.close() }

    /// Sends the request and collects the response. Cancelling the task ends the request at once.
    package func send(_ request: HTTPRequest) async throws(HTTPClientError) -> HTTPResponse {
        let collected = ResponseCollector()
        try await run(request, isStream: false, onHead: collected.begin, onBytes: collected.append)
        return collected.response
    }

    /// Sends the request and hands the response on as it arrives, on the client's thread: neither closure may wait.
    /// Returns when the body has ended. Cancelling the task ends the request at once.
    package func stream(
        _ request: HTTPRequest,
        onHead: @escaping @Sendable (HTTPResponseHead) -> Void,
        onBytes: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(HTTPClientError) {
        try await run(request, isStream: true, onHead: onHead, onBytes: onBytes)
    }

    /// Ends all requests with `closed`, and the thread.
    package func shutdown() { loop.close() }

    private func run(
        _ request: HTTPRequest,
        isStream: Bool,
        onHead: @escaping @Sendable (HTTPResponseHead) -> Void,
        onBytes: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(HTTPClientError) {
        let cancellation = Cancellation()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.begin(
                    TransferOrder(
                        request: request,
                        isStream: isStream,
                        cancellation: cancellation,
                        onHead: onHead,
                        onBytes: onBytes,
                        onEnd: { continuation.resume(returning: $0) }
                    )
                )
            }
        } onCancel: {
            cancellation.request()
            loop.wake()
        }
        try result.get()
    }
}

/// Filled on the client's thread, read by the caller after the end.
private final class ResponseCollector: Sendable {
    private let collected = Mutex(HTTPResponse(head: HTTPResponseHead(status: 0), body: []))

    var response: HTTPResponse { collected.withLock { $0 } }

    @Sendable func begin(_ head: HTTPResponseHead) { collected.withLock { $0.head = head } }

    @Sendable func append(_ bytes: [UInt8]) { collected.withLock { $0.body += bytes } }
}
