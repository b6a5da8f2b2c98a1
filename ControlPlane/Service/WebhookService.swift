import Coordination
import HTTPClient
import Logging
import ServiceLifecycle
import Webhooks

/// Sends events to webhooks, by libcurl on a thread of its own.
struct WebhookService: Service {
    private let sender: WebhookSender

    init(coordinator: Coordinator, logger: Logger) {
        var limits = HTTPClientLimits()
        limits.connectionsPerServerMax = 4
        limits.requestsMax = 256
        // Nobody reads what a receiver answers beside its status.
        limits.responseBodyBytesMax = 64 << 10
        let client = HTTPClient(name: "webhooks", limits: limits)
        sender = WebhookSender(coordinator: coordinator, logger: logger) { request in
            let headers = request.headers.map { HTTPHeader($0.name, $0.value) }
            let sent = HTTPRequest(.post, request.url, headers: headers, body: request.body, timeout: request.timeout)
            return try await client.send(sent).status
        }
    }

    func run() async { await cancelWhenGracefulShutdown { await sender.run() } }
}
