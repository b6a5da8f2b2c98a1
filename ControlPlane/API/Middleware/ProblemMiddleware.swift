import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Observability
import Timebase

/// Outermost: every error becomes a problem, measured and without internals.
struct ProblemMiddleware: RouterMiddleware {
    var operations: [Operation]
    private let table: OperationTable

    init(operations: [Operation]) {
        self.operations = operations
        table = OperationTable(operations)
    }

    func handle(
        _ request: Request,
        context: APIContext,
        next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let start = CoordinatorClock.system.now()
        let response: Response
        do {
            response = try await next(request, context)
        } catch let problem as Problem {
            response = Reply.problem(problem).response
        } catch let error as HTTPError where error.status == .notFound {
            response = nothingHere(request)
        } catch is NIOTooManyBytesError {
            response = Reply.problem(.tooLarge).response
        } catch let error as any HTTPResponseError {
            response = Reply.problem(.refused(error.status)).response
        } catch {
            context.logger.error("A request failed", metadata: ["error": "\(String(reflecting: error))"])
            response = Reply.problem(.internalError).response
        }
        let time = (CoordinatorClock.system.now() - start).nanoseconds
        table.record(request.method, request.uri.path, status: response.status.code, nanoseconds: time)
        return response
    }

    private func nothingHere(_ request: Request) -> Response {
        let allowed = operations.filter { $0.matches(request.uri.path) }.map(\.method.rawValue)
        guard !allowed.isEmpty else {
            return Reply.problem(.notFound("Nothing is served here. /openapi.json lists what is.")).response
        }
        var reply = Reply.problem(
            Problem(
                .methodNotAllowed,
                status: 405,
                title: "Method not allowed",
                detail: "This resource allows \(allowed.joined(separator: ", "))."
            )
        )
        reply.headers[.allow] = allowed.joined(separator: ", ")
        return reply.response
    }
}

extension Problem {
    static let tooLarge = Problem(
        .tooLarge,
        status: 413,
        title: "Body too large",
        detail: "The body is larger than this control plane reads."
    )

    static let internalError = Problem(
        .internalError,
        status: 500,
        title: "Internal error",
        detail: "The control plane failed at this request; its log says why."
    )

    static func refused(_ status: HTTPResponse.Status) -> Problem {
        Problem(.badRequest, status: status.code, title: status.reasonPhrase, detail: "The request could not be read.")
    }
}
