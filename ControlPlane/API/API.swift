import ClusterModel
package import Coordination
import Crypto
import Domain
import HTTPTypes
package import Hummingbird
import Timebase

/// The control plane's HTTP interface: one table of operations, registered with the router and told by OpenAPI.
package struct API: Sendable {
    private let coordinator: Coordinator
    private let tokens: AccessTokens
    private let limits: APILimits
    private let operations: [Operation]

    /// `renderMetrics` gives the text of `/metrics`.
    package init(
        coordinator: Coordinator,
        tokens: AccessTokens,
        limits: APILimits = APILimits(),
        renderMetrics: @escaping @Sendable () -> String
    ) {
        self.coordinator = coordinator
        self.tokens = tokens
        self.limits = limits
        let served =
            NodeRoutes.operations + GroupRoutes.operations + StreamRoutes.operations + StreamSettingsRoutes.operations
            + RecordingRoutes.operations + AssignRoutes.operations
            + AppRoutes.operations + SettingsRoutes.operations + AutoscaleRoutes.operations
            + WebhookRoutes.operations + DiagnosisRoutes.operations + ClientRoutes.operations + WatchRoutes.operations
            + HealthRoutes.operations(renderMetrics: renderMetrics) + [ServiceDiscovery.operation]
            + ExternalMetricsAPI.operations
        operations = served + [OpenAPIRoute.operation(describing: served)]
    }

    package func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ProblemMiddleware(operations: operations))
        router.add(middleware: AccessMiddleware(tokens: tokens))
        for operation in operations {
            router.on(RouterPath(operation.path), method: operation.method) { request, context in
                try await answer(request, context, operation)
            }
        }
        return router
    }

    /// Method and path of everything served, for the test that OpenAPI says the same.
    package var served: Set<String> { Set(operations.map { "\($0.method.rawValue) \($0.path)" }) }

    private func answer(_ request: Request, _ context: APIContext, _ operation: Operation) async throws -> Response {
        if !operation.roles.isEmpty {
            guard let role = context.role, operation.roles.contains(role) else { throw Problem.forbidden }
        }
        if operation.needsStore { try coordinator.requireAnswering() }
        var call = Call(
            request: request,
            body: ByteBuffer(),
            parameters: context.parameters,
            role: context.role,
            coordinator: coordinator,
            limits: limits
        )
        guard operation.isWrite else { return try await operation.handler(call).response }
        call.body = try await request.body.collect(upTo: limits.requestBodyBytesMax)
        return try await answerOnce(call, context, operation).response
    }

    private func answerOnce(_ call: Call, _ context: APIContext, _ operation: Operation) async throws -> Reply {
        guard let text = call.request.headers[.idempotencyKey] else { return try await operation.handler(call) }
        guard (1...limits.idempotencyKeyCharactersMax).contains(text.count) else {
            throw Problem.badRequest("Idempotency-Key may have 1 to \(limits.idempotencyKeyCharactersMax) characters.")
        }
        let purpose = [context.role?.rawValue ?? "", operation.method.rawValue, call.request.uri.path, text]
        let lookup = try await coordinator.beginAnswer(
            key: Self.digest(purpose.joined(separator: "\n").utf8),
            requestDigest: Self.digest(call.body.readableBytesView)
        )
        switch lookup {
        case .repeated(let answer): return Reply(answer)
        case .first(let turn):
            do {
                let reply = try await operation.handler(call)
                await coordinator.endAnswer(turn, with: reply.answer)
                return reply
            } catch let problem as Problem {
                await coordinator.endAnswer(turn, with: Reply.problem(problem).answer)
                throw problem
            } catch {
                await coordinator.endAnswer(turn, with: nil)
                throw error
            }
        }
    }

    private static func digest(_ bytes: some Sequence<UInt8>) -> String {
        SHA256.hash(data: Array(bytes)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension HTTPField.Name {
    /// A literal of token characters always makes a name.
    static let idempotencyKey = HTTPField.Name("Idempotency-Key") ?? .ifMatch
}
