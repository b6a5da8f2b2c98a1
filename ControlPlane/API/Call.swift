import ClusterModel
import Coordination
import Domain
import HTTPTypes
import Hummingbird

import struct Foundation.Data
import class Foundation.JSONDecoder

/// One request to one operation, with the ways to read it that refuse what is wrong.
struct Call: Sendable {
    var request: Request
    /// Already read for writes; empty for GET.
    var body: ByteBuffer
    var parameters: Parameters
    var coordinator: Coordinator
    var limits: APILimits

    // MARK: Names

    func name(_ parameter: String, _ role: NameError.Role) throws -> String {
        let name = parameters.get(parameter) ?? ""
        do throws(NameError) { try NameRules.check(name, role: role) } catch { throw Problem.badName(error) }
        return name
    }

    func streamID() throws -> StreamID {
        try Self.streamID(app: parameters.get("app") ?? "", id: parameters.get("id") ?? "")
    }

    static func streamID(app: String, id: String) throws -> StreamID {
        do throws(NameError) { return try StreamID(app: app, id: id) } catch { throw Problem.badName(error) }
    }

    /// The group that the query names as nearest.
    func group() throws -> String? {
        guard let name = query("group") else { return nil }
        do throws(NameError) { try NameRules.check(name, role: .group) } catch { throw Problem.badName(error) }
        return name
    }

    // MARK: Query

    func query(_ name: String) -> String? {
        request.uri.queryParameters[name[...]].map(String.init).flatMap { $0.isEmpty ? nil : $0 }
    }

    func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _ type: Value.Type) throws -> Value?
    where Value.RawValue == String {
        guard let text = query(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem.badRequest("\(name) is '\(text.prefix(40))'; allowed is one of \(allowed).")
        }
        return value
    }

    func integer(_ name: String) throws -> Int64? {
        guard let text = query(name) else { return nil }
        guard let value = Int64(text) else {
            throw Problem.badRequest("\(name) is '\(text.prefix(40))', not a whole number.")
        }
        return value
    }

    func flag(_ name: String) throws -> Bool {
        switch query(name) {
        case nil, "false", "0": false
        case "true", "1": true
        case .some(let text): throw Problem.badRequest("\(name) is '\(text.prefix(40))'; allowed is true or false.")
        }
    }

    func pageRequest() throws -> (limit: Int, after: String?) {
        let limit = try integer("limit") ?? Int64(limits.pageItemsDefault)
        guard (1...Int64(limits.pageItemsMax)).contains(limit) else {
            throw Problem.badRequest("limit is \(limit); allowed is 1 to \(limits.pageItemsMax).")
        }
        guard let cursor = query("cursor") else { return (Int(limit), nil) }
        guard let key = Base64URL.decode(cursor), let text = String(validating: key, as: UTF8.self) else {
            throw Problem.badRequest("cursor is not one that a list answered with.")
        }
        return (Int(limit), text)
    }

    // MARK: Body and conditions

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard body.readableBytes > 0 else { throw Problem.badRequest("The body is empty; a JSON object is expected.") }
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw Problem.badRequest(error.sentence)
        }
    }

    /// `If-Match`: revisions in quotes, or `*`.
    func condition() throws -> RevisionCondition {
        guard let text = request.headers[.ifMatch] else { return .any }
        let tags = text.split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) }
        if tags == ["*"] { return .exists }
        let revisions = tags.compactMap { tag -> Int64? in
            let bare = tag.reversed().drop { $0 == " " }.reversed()
            return bare.first == "\"" && bare.last == "\"" ? Int64(String(bare.dropFirst().dropLast())) : nil
        }
        return .oneOf(Set(revisions))
    }
}

extension Problem {
    static func badName(_ error: NameError) -> Problem {
        Problem(.badName, status: 400, title: "Name not allowed", detail: error.description)
    }
}

extension DecodingError {
    /// What is wrong and where, without the decoder's own vocabulary.
    var sentence: String {
        func path(_ context: Context, _ key: (any CodingKey)? = nil) -> String {
            let keys = (context.codingPath + (key.map { [$0] } ?? [])).map {
                $0.intValue.map(String.init) ?? $0.stringValue
            }
            return keys.joined(separator: ".")
        }
        switch self {
        case .keyNotFound(let key, let context): return "The field '\(path(context, key))' is missing."
        case .valueNotFound(_, let context): return "The field '\(path(context))' is null; it needs a value."
        case .typeMismatch(_, let context): return "The field '\(path(context))' has the wrong type."
        case .dataCorrupted(let context):
            let place = path(context)
            if let choice = context.underlyingError as? NotAmong {
                return "The value of '\(place)' is not allowed: it is one of \(choice.words.joined(separator: ", "))."
            }
            return place.isEmpty ? "The body is not valid JSON." : "The value of '\(place)' is not allowed."
        @unknown default: return "The body could not be read."
        }
    }
}
