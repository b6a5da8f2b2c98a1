package import ClusterModel
import Foundation
import HTTPClient
import Logging
import Observability
import Synchronization

/// What a watch connection brings, in order.
private enum WatchItem: Sendable {
    case connected
    /// `event` is nil when it is of a kind this version does not know; its revision counts all the same.
    case event(revision: Int64, WatchEvent?)
}

extension ControlPlaneClient {
    /// Follows the node's changes until the task is cancelled. A connection that ends is made
    /// again and resumed behind the last event handled: at once at every URL, then with back-off.
    ///
    /// The three closures are called one at a time, in the order of what they tell. `onDisconnected` is also called when
    /// a connection could not be made; `superseded` there is final for this boot.
    package func watch(
        _ nodeID: String,
        bootID: String? = nil,
        since: Int64? = nil,
        onConnected: @escaping @Sendable () async -> Void = {},
        onDisconnected: @escaping @Sendable (ControlPlaneError) async -> Void = { _ in },
        _ handler: @escaping @Sendable (_ revision: Int64, _ event: WatchEvent) async -> Void
    ) async {
        var position = since
        var failures = 0
        while !Task.isCancelled {
            let url = urls.current
            var connectedAt: ContinuousClock.Instant?
            let query = [("nodeId", nodeID), ("bootId", bootID), ("since", position.map(String.init))]
            let error = await follow(url + "/v1/watch" + Self.queryText(query)) { item in
                switch item {
                case .connected:
                    connectedAt = .now
                    urls.worked(url)
                    await onConnected()
                case .event(let revision, let event):
                    position = revision
                    if let event { await handler(revision, event) }
                }
            }
            if Task.isCancelled { return }
            if case .unavailable(let reason) = error { noteFailure(of: url, reason) }
            await onDisconnected(error)
            let lasted = connectedAt.map { $0.duration(to: .now) } ?? .zero
            failures = lasted >= limits.watchSteadyAfter ? 1 : failures + 1
            guard await pause(watchBackoff(after: failures, error)) else { return }
        }
    }

    /// One connection, from its request to its end.
    private func follow(_ url: String, take: (WatchItem) async -> Void) async -> ControlPlaneError {
        let (items, feed) = AsyncStream.makeStream(
            of: WatchItem.self,
            bufferingPolicy: .bufferingOldest(limits.watchEventsAheadMax)
        )
        let request = HTTPRequest(
            .get,
            url,
            headers: headers + [HTTPHeader("Accept", "text/event-stream")],
            timeout: limits.watchSilenceMax
        )
        let reader = WatchReader(feed: feed, eventBytesMax: limits.watchEventBytesMax, logger: logger)
        let client = watches
        return await withTaskGroup(of: HTTPClientError?.self) { group in
            group.addTask {
                defer { feed.finish() }
                do throws(HTTPClientError) {
                    try await client.stream(request, onHead: reader.begin, onBytes: reader.receive)
                    return nil
                } catch { return error }
            }
            for await item in items { await take(item) }
            // The reader ends the items early when it must give the connection up.
            group.cancelAll()
            let ended = await group.next() ?? nil
            return reader.error ?? .unavailable(ended.map { "\($0)" } ?? "it closed the watch connection")
        }
    }

    /// None until every URL has been tried once since the last steady connection, except after a refusal, which all of
    /// them would repeat.
    private func watchBackoff(after failures: Int, _ error: ControlPlaneError) -> Duration {
        var doublings = failures - 1
        if case .unavailable = error { doublings -= max(urls.count, 1) }
        guard doublings >= 0 else { return .zero }
        return jittered(min(limits.watchBackoffFirst * (1 << min(doublings, 16)), limits.watchBackoffMax))
    }

    private static func queryText(_ fields: [(name: String, value: String?)]) -> String {
        // RFC 3986 §2.3.
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        )
        let set = fields.compactMap { field in
            field.value?.addingPercentEncoding(withAllowedCharacters: unreserved).map { "\(field.name)=\($0)" }
        }
        return set.isEmpty ? "" : "?" + set.joined(separator: "&")
    }
}

/// Turns the bytes of one watch response into items, on the HTTP client's thread.
private final class WatchReader: Sendable {
    private struct State {
        var events: ServerSentEvents
        var status = 0
        /// Of a response that is no event stream.
        var refusal: [UInt8] = []
        var failure: String?
    }

    private let feed: AsyncStream<WatchItem>.Continuation
    private let logger: Logger
    private let state: Mutex<State>

    init(feed: AsyncStream<WatchItem>.Continuation, eventBytesMax: Int, logger: Logger) {
        self.feed = feed
        self.logger = logger
        state = Mutex(State(events: ServerSentEvents(eventBytesMax: eventBytesMax)))
    }

    /// What the server said, or what was wrong with it; nil when neither ended the connection.
    var error: ControlPlaneError? {
        state.withLock { state in
            if let failure = state.failure { return .unavailable(failure) }
            guard state.status != 0, state.status != 200 else { return nil }
            return ControlPlaneError(HTTPResponse(head: HTTPResponseHead(status: state.status), body: state.refusal))
        }
    }

    @Sendable func begin(_ head: HTTPResponseHead) {
        state.withLock { $0.status = head.status }
        if head.status == 200 { feed.yield(.connected) }
    }

    @Sendable func receive(_ bytes: [UInt8]) {
        state.withLock { state in
            guard state.failure == nil else { return }
            guard state.status == 200 else { return collectRefusal(bytes, &state) }
            do throws(ServerSentEventsError) {
                for event in try state.events.receive(bytes) { yield(event, &state) }
            } catch {
                giveUp("\(error)", &state)
            }
        }
    }

    private func yield(_ event: ServerSentEvent, _ state: inout State) {
        guard let revision = Int64(event.id) else { return giveUp("an event has no revision for its id", &state) }
        if case .dropped = feed.yield(.event(revision: revision, decode(event))) {
            giveUp("events come faster than this node handles them", &state)
        }
    }

    /// An event that cannot be read is passed over: asked for again, it would be no better.
    private func decode(_ event: ServerSentEvent) -> WatchEvent? {
        do { return try WatchEvent(event) } catch {
            logger.warning("watch event unreadable", metadata: ["event": "\(event.name)", LogKeys.error: "\(error)"])
            return nil
        }
    }

    private func collectRefusal(_ bytes: [UInt8], _ state: inout State) {
        let room = 64 * 1024 - state.refusal.count
        state.refusal += bytes.prefix(max(0, room))
        if bytes.count > room { feed.finish() }
    }

    private func giveUp(_ reason: String, _ state: inout State) {
        state.failure = reason
        feed.finish()
    }
}
