package import ClusterModel
import Foundation
import HTTPClient
package import Logging
import Metrics
import Observability
import Synchronization

/// Speaks to the control plane over REST. Its URLs are tried in turn, beginning with the one that worked last. Heartbeats
/// and the watch have a client each: neither ever waits behind a claim that the control plane holds.
package final class ControlPlaneClient: ControlPlaneLink {
    let urls: ControlPlaneURLs
    let limits: ControlPlaneClientLimits
    let logger: Logger
    let watches: HTTPClient
    private let requests: HTTPClient
    private let heartbeats: HTTPClient
    private let authorization: Redacted<String>
    private let random: Mutex<any RandomNumberGenerator & Sendable>
    private let repeatedLines = Mutex(RepeatedLines())

    /// - Parameter caFile: PEM certificates to trust instead of the system's.
    package init(
        urls: ControlPlaneURLs,
        nodeToken: String,
        logger: Logger,
        caFile: String? = nil,
        limits: ControlPlaneClientLimits = ControlPlaneClientLimits(),
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.urls = urls
        self.limits = limits
        self.logger = logger
        requests = HTTPClient(name: "cp-requests", caFile: caFile)
        heartbeats = HTTPClient(name: "cp-heartbeats", caFile: caFile)
        watches = HTTPClient(name: "cp-watch", caFile: caFile)
        authorization = Redacted("Bearer \(nodeToken)")
        self.random = Mutex(random)
    }

    /// The URL that worked last, where clients may be sent.
    package var currentURL: String { urls.current.withoutCredentials }

    /// Ends all requests and watches.
    package func shutdown() {
        for client in [requests, heartbeats, watches] { client.shutdown() }
    }

    // MARK: The node

    package func register(
        _ nodeID: String,
        _ registration: NodeRegistration
    ) async throws(ControlPlaneError) -> NodeRegistered {
        let call = try Call(.put, "/v1/nodes/\(nodeID)", registration, limits.registerTimeout)
        return try await decode(NodeRegistered.self, of: call, over: requests)
    }

    package func heartbeat(_ nodeID: String, _ heartbeat: Heartbeat) async throws(ControlPlaneError) -> HeartbeatAnswer
    {
        let call = try Call(.post, "/v1/nodes/\(nodeID)/heartbeat", heartbeat, limits.heartbeatTimeout)
        return try await decode(HeartbeatAnswer.self, of: call, over: heartbeats)
    }

    package func leave(_ nodeID: String) async throws(ControlPlaneError) {
        _ = try await send(Call(.delete, "/v1/nodes/\(nodeID)", limits.leaveTimeout), over: requests) { _ in }
    }

    /// Changes this node's settings for a caller, who must be allowed to: with the caller's own authorization.
    package func changeSettings(
        of nodeID: String,
        _ body: [UInt8],
        authorization: String?
    ) async throws(ControlPlaneError) -> [UInt8] {
        var call = Call(.post, "/rest/v2/server-settings?nodeId=\(nodeID)", limits.registerTimeout)
        call.operation = "settings"
        call.body = body
        call.authorization = .some(authorization.map(Redacted.init))
        return try await send(call, over: requests) { $0 }
    }

    /// Tells that this node drains by its own will.
    package func drain(_ nodeID: String, _ request: DrainRequest) async throws(ControlPlaneError) {
        try await send(Call(.post, "/v1/nodes/\(nodeID)/drain", request, limits.leaveTimeout), over: requests) { _ in }
    }

    /// Tells of a recording; returns what is known of it now.
    package func put(_ recording: RecordingResource) async throws(ControlPlaneError) -> RecordingResource {
        let path = "/v1/recordings/\(recording.recordKey)"
        return try await decode(
            RecordingResource.self,
            of: try Call(.put, path, recording, limits.registerTimeout),
            over: requests
        )
    }

    // MARK: Streams

    /// An answer that was lost is asked for again with the same `claimId`, so no claim is made twice.
    package func claim(_ stream: StreamID, _ request: ClaimRequest) async throws(ControlPlaneError) -> ClaimGrant {
        var call = try Call(.post, "/v1/streams/\(stream)/claim", request, limits.claimTimeout)
        call.rounds = limits.roundsMax
        return try await decode(ClaimGrant.self, of: call, over: requests)
    }

    package func release(_ stream: StreamID, _ request: ReleaseRequest) async throws(ControlPlaneError) {
        var call = try Call(.post, "/v1/streams/\(stream)/release", request, limits.releaseTimeout)
        call.rounds = limits.roundsMax
        try await send(call, over: requests) { _ in }
    }

    /// Each URL is tried once: who searches for a parent asks again by itself.
    package func route(_ stream: StreamID, _ request: RouteRequest) async throws(ControlPlaneError) -> RouteAnswer {
        let call = try Call(.post, "/v1/streams/\(stream)/route", request, limits.routeTimeout)
        return try await decode(RouteAnswer.self, of: call, over: requests)
    }

    package func assignPublish(_ stream: StreamID) async throws(ControlPlaneError) -> Assignment {
        let path = "/v1/assign/publish?app=\(stream.app)&id=\(stream.id)&protocol=webrtc"
        var call = Call(.get, path, limits.routeTimeout)
        call.operation = "assign"
        return try await decode(Assignment.self, of: call, over: requests)
    }
}

// MARK: - Trying the URLs

extension ControlPlaneClient {
    /// A request that any of the URLs may answer.
    private struct Call {
        var method: HTTPMethod
        var path: String
        var body: [UInt8] = []
        var timeout: Duration
        var rounds = 1
        /// As metrics name the call.
        var operation: String
        /// Somebody else's authorization, or none, instead of this node's.
        var authorization: Redacted<String>??

        init(_ method: HTTPMethod, _ path: String, _ timeout: Duration) {
            self.method = method
            self.path = path
            self.timeout = timeout
            // The last word of the path; of a bare node the method decides.
            let word = path.split(separator: "/").last.map(String.init) ?? ""
            operation =
                ["claim", "release", "route", "heartbeat"].contains(word)
                ? word : method == .delete ? "leave" : "register"
        }

        init(
            _ method: HTTPMethod,
            _ path: String,
            _ body: some Encodable,
            _ timeout: Duration
        ) throws(ControlPlaneError) {
            self.init(method, path, timeout)
            do { self.body = try Array(JSONEncoder().encode(body)) } catch {
                throw .unavailable("the request has no JSON form: \(error)")
            }
        }
    }

    private func decode<Answer: Decodable>(
        _ type: Answer.Type,
        of call: Call,
        over client: HTTPClient
    ) async throws(ControlPlaneError) -> Answer {
        try await send(call, over: client) { body in
            try JSONDecoder().decode(type, from: Data(body))
        }
    }

    private func send<Answer>(
        _ call: Call,
        over client: HTTPClient,
        read: ([UInt8]) throws -> Answer
    ) async throws(ControlPlaneError) -> Answer {
        var last = "no URL of a control plane is set"
        for round in 1...max(1, call.rounds) {
            if round > 1, await !pause(jittered(limits.roundBackoffMax)) { break }
            for url in urls.inTurn {
                do throws(ControlPlaneError) {
                    return try await attempt(call, at: url, over: client, read: read)
                } catch {
                    guard case .unavailable(let reason) = error else { throw error }
                    last = reason
                }
                if Task.isCancelled { throw .unavailable(last) }
            }
        }
        throw .unavailable(last)
    }

    private func attempt<Answer>(
        _ call: Call,
        at url: String,
        over client: HTTPClient,
        read: ([UInt8]) throws -> Answer
    ) async throws(ControlPlaneError) -> Answer {
        let counted = { (outcome: String) in
            MetricNames.controlRequests.counter(call.operation, outcome).increment()
        }
        do throws(ControlPlaneError) {
            let response = try await exchange(call, at: url, over: client)
            guard 200..<300 ~= response.status else { throw ControlPlaneError(response) }
            do {
                let answer = try read(response.body)
                urls.worked(url)
                counted("answered")
                return answer
            } catch {
                throw ControlPlaneError.unavailable("its answer cannot be read: \(error)")
            }
        } catch {
            switch error {
            case .refused, .superseded:
                counted("refused")
                urls.worked(url)
            case .unavailable(let reason):
                counted("unavailable")
                if !Task.isCancelled { noteFailure(of: url, reason) }
            }
            throw error
        }
    }

    private func exchange(_ call: Call, at url: String, over client: HTTPClient) async throws(ControlPlaneError)
        -> HTTPResponse
    {
        var request = HTTPRequest(
            call.method,
            url + call.path,
            headers: headers(call.authorization ?? authorization),
            body: call.body,
            timeout: call.timeout
        )
        if !call.body.isEmpty { request.headers.append(HTTPHeader("Content-Type", "application/json")) }
        do throws(HTTPClientError) { return try await client.send(request) } catch { throw .unavailable("\(error)") }
    }

    var headers: [HTTPHeader] { headers(authorization) }

    private func headers(_ authorization: Redacted<String>?) -> [HTTPHeader] {
        let agent = HTTPHeader("User-Agent", "millrace-worker")
        return (authorization.map { [HTTPHeader("Authorization", $0.revealed)] } ?? []) + [agent]
    }

    func noteFailure(of url: String, _ reason: String) {
        urls.failed(url)
        guard let suppressed = repeatedLines.withLock({ $0.admit(url, at: .now) }) else { return }
        logger.warning(
            "control plane URL failed",
            metadata: [
                LogKeys.url: "\(url.withoutCredentials)", LogKeys.reason: "\(reason)",
                LogKeys.suppressed: "\(suppressed)",
            ]
        )
    }

    /// Between half of it and all: workers that lost the same control plane do not come back in step.
    func jittered(_ duration: Duration) -> Duration {
        random.withLock { random in
            duration * Double.random(in: 0.5...1, using: &random)
        }
    }

    /// False when the task was cancelled meanwhile.
    func pause(_ duration: Duration) async -> Bool {
        do { try await Task.sleep(for: duration) } catch { return false }
        return true
    }
}
