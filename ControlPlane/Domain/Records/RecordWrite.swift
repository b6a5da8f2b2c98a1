import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// One change of one record, made only if the record still is as the decision saw it.
package struct RecordWrite: Hashable, Sendable {
    package var kind: RecordKind
    package var key: String
    /// Nil deletes the record.
    package var body: [UInt8]?
    /// Nil expects that there is no such record.
    package var expected: Revision?
}

/// What a decision came to.
package enum Decision<Answer: Sendable>: Sendable {
    case answer(Answer)
    /// The answer holds if the write wins; if somebody was faster, apply the winner's record and decide again.
    case write(RecordWrite, then: Answer)
}

extension Decision: Equatable where Answer: Equatable {}

/// Record bodies as JSON, with sorted keys so that equal values are equal bytes.
package enum RecordCoding {
    package static func encode(_ value: some Encodable) throws(StoreError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(value))
        } catch {
            throw .corrupt("a record could not be written as JSON: \(error)")
        }
    }

    package static func decode<Value: Decodable>(
        _ type: Value.Type,
        from body: [UInt8],
        key: String
    ) throws(StoreError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw .corrupt("'\(key)' is not a \(type): \(error)")
        }
    }
}
