import Bytes

package import struct NIOCore.ByteBuffer

/// Bounds on what a peer can make us build from a few bytes.
package struct AMF0Limits: Sendable {
    /// Real commands nest two or three deep; each level costs stack.
    package var depthMax = 16
    /// A value of one byte becomes dozens in memory.
    package var valueCountMax = 1024

    package init() {}
}

package enum AMF0Error: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes ended inside a value.
    case truncated
    /// Types that live commands and metadata do not use: references, typed objects, XML, AMF3.
    case unsupportedMarker(UInt8)
    case tooDeep(limit: Int)
    case tooManyValues(limit: Int)

    package var description: String {
        switch self {
        case .truncated: "an AMF0 value ends too early"
        case .unsupportedMarker(let marker): "AMF0 type marker \(marker) is not supported"
        case .tooDeep(let limit): "AMF0 values nest deeper than \(limit)"
        case .tooManyValues(let limit): "more than \(limit) AMF0 values in one message"
        }
    }
}

/// Reads AMF0 values one after the other from a bounded slice of bytes.
package struct AMF0Decoder {
    private var reader: ByteReader
    private var valuesLeft: Int
    private let limits: AMF0Limits

    package init(_ bytes: ByteBuffer, limits: AMF0Limits = AMF0Limits()) {
        reader = ByteReader(bytes)
        valuesLeft = limits.valueCountMax
        self.limits = limits
    }

    package var isEmpty: Bool { reader.isEmpty }

    /// The bytes not read yet.
    package var rest: ByteBuffer {
        var copy = reader
        return copy.rest()
    }

    package mutating func value() throws(AMF0Error) -> AMF0Value { try value(depth: 0) }

    /// Every value up to the end of the bytes.
    package mutating func remainingValues() throws(AMF0Error) -> [AMF0Value] {
        var values: [AMF0Value] = []
        while !isEmpty { values.append(try value()) }
        return values
    }

    private mutating func value(depth: Int) throws(AMF0Error) -> AMF0Value {
        guard depth < limits.depthMax else { throw .tooDeep(limit: limits.depthMax) }
        guard valuesLeft > 0 else { throw .tooManyValues(limit: limits.valueCountMax) }
        valuesLeft -= 1
        let byte = try integer(UInt8.self)
        switch AMF0Marker(rawValue: byte) {
        case .number: return .number(try double())
        case .boolean: return .boolean(try integer(UInt8.self) != 0)
        case .string: return .string(try string(Int(integer(UInt16.self))))
        case .longString: return .string(try string(Int(integer(UInt32.self))))
        case .object: return .object(try properties(depth: depth))
        case .null: return .null
        case .undefined: return .undefined
        case .ecmaArray:
            // The count is a hint (§2.10); encoders write 0 or a wrong number, the end marker decides.
            _ = try integer(UInt32.self)
            return .ecmaArray(try properties(depth: depth))
        case .strictArray: return .strictArray(try elements(count: integer(UInt32.self), depth: depth))
        case .date: return .date(millisecondsSince1970: try double(), zone: try integer(Int16.self))
        case .objectEnd, nil: throw .unsupportedMarker(byte)
        }
    }

    private mutating func properties(depth: Int) throws(AMF0Error) -> AMF0Object {
        var object = AMF0Object()
        while true {
            let name = try string(Int(integer(UInt16.self)))
            if name.isEmpty, nextByte == AMF0Marker.objectEnd.rawValue {
                _ = try integer(UInt8.self)
                return object
            }
            object.append(name, try value(depth: depth + 1))
        }
    }

    private mutating func elements(count: UInt32, depth: Int) throws(AMF0Error) -> [AMF0Value] {
        // Each element takes a byte at least, so a larger count cannot be true and must not reserve memory.
        guard Int(count) <= reader.count else { throw .truncated }
        var values: [AMF0Value] = []
        for _ in 0..<count { values.append(try value(depth: depth + 1)) }
        return values
    }

    private var nextByte: UInt8? {
        var copy = reader
        return try? copy.integer()
    }

    private mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(AMF0Error) -> T {
        do { return try reader.integer() } catch { throw .truncated }
    }

    private mutating func double() throws(AMF0Error) -> Double {
        do { return try reader.double() } catch { throw .truncated }
    }

    private mutating func string(_ length: Int) throws(AMF0Error) -> String {
        do { return try reader.string(length) } catch { throw .truncated }
    }
}
