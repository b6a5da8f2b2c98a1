/// One value of Action Message Format 0 (the file format of December 2007), the notation of RTMP commands and FLV metadata.
package enum AMF0Value: Equatable, Sendable {
    case number(Double)
    case boolean(Bool)
    /// On the wire a string or, above 65,535 bytes, a long string.
    case string(String)
    case object(AMF0Object)
    case null
    case undefined
    case ecmaArray(AMF0Object)
    case strictArray([AMF0Value])
    /// `zone` is reserved by §2.13 and normally 0.
    case date(millisecondsSince1970: Double, zone: Int16)

    package var number: Double? {
        if case .number(let value) = self { value } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The properties of an object or of an ECMA array; clients use one for the other.
    package var object: AMF0Object? {
        switch self {
        case .object(let object), .ecmaArray(let object): object
        case .number, .boolean, .string, .null, .undefined, .strictArray, .date: nil
        }
    }
}

/// Named values in the order they were written.
package struct AMF0Object: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Property: Equatable, Sendable {
        package var name: String
        package var value: AMF0Value
    }

    package var properties: [Property]

    package init(_ properties: [Property] = []) { self.properties = properties }

    package init(dictionaryLiteral elements: (String, AMF0Value)...) {
        properties = elements.map { Property(name: $0.0, value: $0.1) }
    }

    package subscript(name: String) -> AMF0Value? { properties.first { $0.name == name }?.value }

    package mutating func append(_ name: String, _ value: AMF0Value) {
        properties.append(Property(name: name, value: value))
    }
}

extension AMF0Value: ExpressibleByStringLiteral, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(integerLiteral value: Int) { self = .number(Double(value)) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
}

/// The first byte of each value (§2.1).
enum AMF0Marker: UInt8 {
    case number = 0x00
    case boolean = 0x01
    case string = 0x02
    case object = 0x03
    case null = 0x05
    case undefined = 0x06
    case ecmaArray = 0x08
    case objectEnd = 0x09
    case strictArray = 0x0A
    case date = 0x0B
    case longString = 0x0C
}
