import ClusterModel
import HTTPTypes
import Hummingbird

/// `/openapi.json`: OpenAPI 3.1, made from the table of operations.
enum OpenAPIRoute {
    static func operation(describing served: [Operation]) -> Operation {
        var own = Operation(
            id: "openapi",
            method: .get,
            path: "/openapi.json",
            summary: "This document.",
            roles: [],
            answers: [.init(status: 200, schema: nil, summary: "OpenAPI 3.1.")],
            needsStore: false,
            handler: { _ in .noContent }
        )
        let document = OpenAPIDocument.make(served + [own])
        own.handler = { _ in try .json(document) }
        return own
    }
}

enum OpenAPIDocument {
    static func make(_ operations: [Operation]) -> JSONValue {
        var paths: [String: [String: JSONValue]] = [:]
        for operation in operations {
            paths[operation.path, default: [:]][operation.method.rawValue.lowercased()] = describe(operation)
        }
        return [
            "openapi": "3.1.0",
            "info": ["title": "Millrace control plane", "version": "1"],
            "paths": .object(paths.mapValues(JSONValue.object)),
            "components": [
                "schemas": .object(Schemas.components),
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ],
        ]
    }

    private static func describe(_ operation: Operation) -> JSONValue {
        var fields: [String: JSONValue] = [
            "operationId": .string(operation.id),
            "summary": .string(operation.summary),
            "security": operation.roles.isEmpty ? [] : [["token": []]],
            "responses": .object(answers(of: operation)),
        ]
        let parameters = parameters(of: operation)
        if !parameters.isEmpty { fields["parameters"] = .array(parameters) }
        if !operation.roles.isEmpty {
            fields["x-roles"] = .array(operation.roles.map(\.rawValue).sorted().map(JSONValue.string))
        }
        if let schema = operation.requestSchema {
            fields["requestBody"] = ["required": true, "content": ["application/json": ["schema": reference(schema)]]]
        }
        return .object(fields)
    }

    private static func parameters(of operation: Operation) -> [JSONValue] {
        let path: [JSONValue] = operation.pathParameters.map {
            ["name": .string($0), "in": "path", "required": true, "schema": ["type": "string"]]
        }
        let query: [JSONValue] = operation.query.map {
            [
                "name": .string($0.name), "in": "query", "required": .bool($0.isRequired),
                "description": .string($0.summary), "schema": schema(of: $0.kind),
            ]
        }
        let names = operation.isWrite && !operation.roles.isEmpty ? ["Idempotency-Key", "If-Match"] : []
        let headers: [JSONValue] = names.map {
            ["name": .string($0), "in": "header", "required": false, "schema": ["type": "string"]]
        }
        return path + query + headers
    }

    private static func schema(of kind: Operation.QueryParameter.Kind) -> JSONValue {
        switch kind {
        case .string: ["type": "string"]
        case .integer: ["type": "integer"]
        case .boolean: ["type": "boolean"]
        case .choice(let values): ["type": "string", "enum": .array(values.map(JSONValue.string))]
        }
    }

    private static func answers(of operation: Operation) -> [String: JSONValue] {
        var described = operation.answers
        if !operation.roles.isEmpty {
            described += [
                .problem(401, "No token, or not one of this cluster's."),
                .problem(403, "The token's role does not allow it."),
            ]
            if operation.needsStore, !described.contains(where: { $0.status == 503 }) {
                described.append(.problem(503, "The store does not answer now."))
            }
        }
        var answers: [String: JSONValue] = [:]
        for answer in described {
            var fields: [String: JSONValue] = ["description": .string(answer.summary)]
            if answer.status != 204 {
                let schema = answer.schema.map(reference) ?? [:]
                fields["content"] = .object([answer.mediaType: ["schema": schema]])
            }
            answers["\(answer.status)"] = .object(fields)
        }
        return answers
    }

    private static func reference(_ schema: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(schema)")] }
}
