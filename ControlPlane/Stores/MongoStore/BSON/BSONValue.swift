/// A BSON value (bsonspec.org, version 1.1), of the types that records and replies of the server have.
indirect enum BSONValue: Sendable, Equatable {
    case double(Double)
    case string(String)
    case document(BSONDocument)
    case array([BSONValue])
    case binary([UInt8])
    case objectID([UInt8])
    case bool(Bool)
    /// Milliseconds since 1970.
    case dateTime(Int64)
    case null
    case int32(Int32)
    case timestamp(UInt64)
    case int64(Int64)

    /// A whole number of any width: servers choose the width themselves.
    var integer: Int64? {
        switch self {
        case .int32(let value): Int64(value)
        case .int64(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var document: BSONDocument? { if case .document(let value) = self { value } else { nil } }
    var array: [BSONValue]? { if case .array(let value) = self { value } else { nil } }
}

/// Fields in their order.
struct BSONDocument: Sendable, Equatable {
    struct Field: Sendable, Equatable {
        var key: String
        var value: BSONValue
    }

    var fields: [Field] = []

    subscript(key: String) -> BSONValue? { fields.first { $0.key == key }?.value }
}

extension BSONDocument: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, BSONValue)...) {
        fields = elements.map { Field(key: $0.0, value: $0.1) }
    }
}

extension BSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .int64(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: BSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, BSONValue)...) {
        self = .document(BSONDocument(fields: elements.map { BSONDocument.Field(key: $0.0, value: $0.1) }))
    }
}

/// The first byte of an element.
enum BSONType: UInt8 {
    case double = 0x01
    case string = 0x02
    case document = 0x03
    case array = 0x04
    case binary = 0x05
    case objectID = 0x07
    case bool = 0x08
    case dateTime = 0x09
    case null = 0x0A
    case int32 = 0x10
    case timestamp = 0x11
    case int64 = 0x12
}

struct BSONError: Error, Equatable {
    var reason: String
}
