import ClusterModel
package import Coordination
import Domain
package import Logging
import Metrics
import Observability
import Synchronization
import Timebase

/// Sends the cluster's events to the webhooks that want them.
package final class WebhookSender: Sendable {
    package struct Request: Sendable {
        package var url: String
        package var headers: [(name: String, value: String)]
        package var body: [UInt8]
        package var timeout: Duration
    }

    /// Sends one request and answers with the status; what it throws is told as the reason. Never called on an event loop.
    package typealias Transport = @Sendable (Request) async throws -> Int

    private struct State {
        var lines: [String: DeliveryLine<StandardWebhook>] = [:]
        var random: any RandomNumberGenerator & Sendable
    }

    private static let interval = Duration.milliseconds(250)

    private let coordinator: Coordinator
    private let transport: Transport
    private let limits: DeliveryLimits
    private let clock: CoordinatorClock
    private let logger: Logger
    private let state: Mutex<State>
    private let dropped = MetricNames.webhookEventsDropped.counter()

    package init(
        coordinator: Coordinator,
        limits: DeliveryLimits = DeliveryLimits(),
        clock: CoordinatorClock = .system,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        logger: Logger,
        transport: @escaping Transport
    ) {
        self.coordinator = coordinator
        self.limits = limits
        self.clock = clock
        self.logger = logger
        self.transport = transport
        state = Mutex(State(random: random))
    }

    /// Runs until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            await step()
            await clock.sleep(Self.interval)
        }
    }

    /// Takes what is new and begins what is due. Ends with the deliveries it began when `waits`.
    package func step(waits: Bool = false) async {
        await take()
        let deliveries = due()
        if waits {
            for (webhook, message) in deliveries { await deliver(message, to: webhook) }
        } else {
            for (webhook, message) in deliveries { Task { await self.deliver(message, to: webhook) } }
        }
    }

    private func take() async {
        let new = coordinator.events.take()
        guard !new.isEmpty else { return }
        let mine: [ClusterEvent]
        do throws(StoreError) {
            mine = try await coordinator.claimed(new)
        } catch {
            logger.warning(
                "Events were not told to webhooks",
                metadata: ["count": "\(new.count)", "error": "\(error)"]
            )
            return dropped.increment(by: Int64(new.count))
        }
        let webhooks = coordinator.webhooks.filter { $0.disabledBecause == nil }
        for event in mine {
            guard let message = try? StandardWebhook(event) else { continue }
            for webhook in webhooks where webhook.settings.wants(event.type) { add(message, to: webhook.id) }
        }
    }

    private func add(_ message: StandardWebhook, to id: String) {
        let isKept = state.withLock { $0.lines[id, default: DeliveryLine(limits: limits)].add(message) }
        if !isKept { dropped.increment() }
    }

    private func due() -> [(WebhookRecord, StandardWebhook)] {
        let webhooks = coordinator.webhooks.filter { $0.disabledBecause == nil }
        let now = clock.now()
        return state.withLock { state in
            let present = Set(webhooks.map(\.id))
            state.lines = state.lines.filter { present.contains($0.key) }
            return webhooks.compactMap { webhook in state.lines[webhook.id]?.next(at: now).map { (webhook, $0) } }
        }
    }

    /// And those that wait behind it, as long as they are taken.
    private func deliver(_ first: StandardWebhook, to webhook: WebhookRecord) async {
        var message: StandardWebhook? = first
        while let present = message, !Task.isCancelled {
            await deliverOne(present, to: webhook)
            message = state.withLock { $0.lines[webhook.id]?.next(at: clock.now()) }
        }
    }

    private func deliverOne(_ message: StandardWebhook, to webhook: WebhookRecord) async {
        let outcome = await attempt(message, to: webhook)
        let verdict = state.withLock { state in
            state.lines[webhook.id]?.ended(outcome, at: clock.now(), using: &state.random)
        }
        guard let verdict else { return }
        MetricNames.webhookDeliveries.counter(verdict.label).increment()
        switch verdict {
        case .delivered: break
        case .retry, .gaveUp:
            logger.warning(
                "A webhook did not take a message",
                metadata: ["webhook": "\(webhook.id)", "outcome": "\(outcome)", "verdict": "\(verdict)"]
            )
        case .disable(let reason):
            logger.error("A webhook is disabled", metadata: ["webhook": "\(webhook.id)", "reason": "\(reason)"])
            state.withLock { $0.lines[webhook.id] = nil }
            try? await coordinator.disable(webhook: webhook.id, because: reason)
        }
    }

    private func attempt(
        _ message: StandardWebhook,
        to webhook: WebhookRecord
    ) async -> DeliveryLine<StandardWebhook>.Outcome {
        guard let headers = message.headers(secret: webhook.secret, at: coordinator.now) else {
            return .failed("its secret cannot be read; set a new one")
        }
        let request = Request(url: webhook.url, headers: headers, body: message.body, timeout: limits.answerTimeout)
        do { return .status(try await transport(request)) } catch { return .failed("\(error)") }
    }
}

extension DeliveryLine.Verdict {
    fileprivate var label: String {
        switch self {
        case .delivered: "delivered"
        case .retry: "failed"
        case .gaveUp: "given_up"
        case .disable: "disabled"
        }
    }
}
