extension BSONDocument {
    init(decoding bytes: UnsafeRawBufferPointer) throws(BSONError) {
        var decoder = BSONDecoder(bytes: bytes)
        self = try decoder.document(depth: 0)
        guard decoder.position == bytes.count else { throw BSONError(reason: "bytes after the document") }
    }
}

/// Reads one document. Every length is checked against what is left.
private struct BSONDecoder {
    /// The server's own limit is 100.
    static let depthMax = 200

    let bytes: UnsafeRawBufferPointer
    var position = 0

    mutating func document(depth: Int) throws(BSONError) -> BSONDocument {
        guard depth < Self.depthMax else { throw BSONError(reason: "documents nested deeper than \(Self.depthMax)") }
        let start = position
        let length = Int(try integer(Int32.self))
        guard length >= 5, length <= bytes.count - start else {
            throw BSONError(reason: "a document of \(length) bytes")
        }
        let end = start + length - 1
        var document = BSONDocument()
        while position < end {
            let type = try byte()
            guard type != 0 else { throw BSONError(reason: "a document that ends early") }
            let key = try cString()
            document.fields.append(Field(key: key, value: try value(type, key, depth: depth)))
        }
        guard position == end, try byte() == 0 else { throw BSONError(reason: "a document without its end") }
        return document
    }

    private typealias Field = BSONDocument.Field

    private mutating func value(_ code: UInt8, _ key: String, depth: Int) throws(BSONError) -> BSONValue {
        guard let type = BSONType(rawValue: code) else {
            throw BSONError(reason: "\(key) is of the unknown type \(code)")
        }
        switch type {
        case .double: return .double(Double(bitPattern: try integer(UInt64.self)))
        case .string: return .string(try string())
        case .document: return .document(try document(depth: depth + 1))
        case .array: return .array(try document(depth: depth + 1).fields.map(\.value))
        case .binary:
            let count = Int(try integer(Int32.self))
            _ = try byte()
            return .binary(Array(try take(count)))
        case .objectID: return .objectID(Array(try take(12)))
        case .bool: return .bool(try byte() != 0)
        case .dateTime: return .dateTime(try integer(Int64.self))
        case .null: return .null
        case .int32: return .int32(try integer(Int32.self))
        case .timestamp: return .timestamp(try integer(UInt64.self))
        case .int64: return .int64(try integer(Int64.self))
        }
    }

    private mutating func string() throws(BSONError) -> String {
        let count = Int(try integer(Int32.self))
        guard count >= 1 else { throw BSONError(reason: "a string of \(count) bytes") }
        return String(decoding: try take(count).dropLast(), as: UTF8.self)
    }

    private mutating func cString() throws(BSONError) -> String {
        guard let end = bytes[position...].firstIndex(of: 0) else { throw BSONError(reason: "a key without its end") }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    private mutating func byte() throws(BSONError) -> UInt8 {
        try integer(UInt8.self)
    }

    private mutating func integer<Integer: FixedWidthInteger>(_: Integer.Type) throws(BSONError) -> Integer {
        let taken = try take(MemoryLayout<Integer>.size)
        return Integer(littleEndian: UnsafeRawBufferPointer(rebasing: taken).loadUnaligned(as: Integer.self))
    }

    private mutating func take(_ count: Int) throws(BSONError) -> Slice<UnsafeRawBufferPointer> {
        guard count >= 0, count <= bytes.count - position else {
            throw BSONError(reason: "\(count) bytes are not there")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }
}
