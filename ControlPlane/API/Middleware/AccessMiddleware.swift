import ClusterModel
import HTTPTypes
package import Hummingbird
import Logging

/// What a request carries through the router.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Nil on paths that need no token.
    var role: AccessRole?

    package init(source: Source) { coreContext = CoreRequestContextStorage(source: source) }
}

/// Every `/v1` and `/rest` path needs a token, also those that do not exist.
struct AccessMiddleware: RouterMiddleware {
    var tokens: AccessTokens

    func handle(
        _ request: Request,
        context: APIContext,
        next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let first = request.uri.path.split(separator: "/").first
        guard first == "v1" || first == "rest" else { return try await next(request, context) }
        var context = context
        context.role = try role(of: request)
        return try await next(request, context)
    }

    private func role(of request: Request) throws -> AccessRole {
        let scheme = "bearer "
        guard let header = request.headers[.authorization], header.lowercased().hasPrefix(scheme) else {
            throw Problem.unauthorized("Send 'Authorization: Bearer' with the node token or the admin token.")
        }
        guard let role = tokens.role(of: String(header.dropFirst(scheme.count))) else {
            throw Problem.unauthorized("The bearer token is not one of this cluster's.")
        }
        return role
    }
}

extension Problem {
    static func unauthorized(_ detail: String) -> Problem {
        Problem(.unauthorized, status: 401, title: "Unauthorized", detail: detail)
    }

    static let forbidden = Problem(
        .forbidden,
        status: 403,
        title: "Forbidden",
        detail: "The token's role does not allow this. Use the admin token."
    )
}
