extension BSONDocument {
    /// The document's bytes. Keys must hold no NUL; keys of a record's body are escaped before.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendDocument(self)
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func appendDocument(_ document: BSONDocument) {
        let start = count
        appendLittleEndian(Int32(0))
        for field in document.fields { appendElement(field.key, field.value) }
        append(0)
        let length = Int32(count - start)
        Swift.withUnsafeBytes(of: length.littleEndian) { replaceSubrange(start..<start + 4, with: $0) }
    }

    private mutating func appendElement(_ key: String, _ value: BSONValue) {
        switch value {
        case .double(let value):
            appendHead(.double, key)
            appendLittleEndian(value.bitPattern)
        case .string(let value):
            appendHead(.string, key)
            appendLittleEndian(Int32(value.utf8.count + 1))
            append(contentsOf: value.utf8)
            append(0)
        case .document(let value):
            appendHead(.document, key)
            appendDocument(value)
        case .array(let values):
            appendHead(.array, key)
            let fields = values.enumerated().map { BSONDocument.Field(key: String($0.offset), value: $0.element) }
            appendDocument(BSONDocument(fields: fields))
        case .binary(let value):
            appendHead(.binary, key)
            appendLittleEndian(Int32(value.count))
            append(0)
            append(contentsOf: value)
        case .objectID(let value):
            appendHead(.objectID, key)
            append(contentsOf: value)
        case .bool(let value):
            appendHead(.bool, key)
            append(value ? 1 : 0)
        case .dateTime(let value):
            appendHead(.dateTime, key)
            appendLittleEndian(value)
        case .null:
            appendHead(.null, key)
        case .int32(let value):
            appendHead(.int32, key)
            appendLittleEndian(value)
        case .timestamp(let value):
            appendHead(.timestamp, key)
            appendLittleEndian(value)
        case .int64(let value):
            appendHead(.int64, key)
            appendLittleEndian(value)
        }
    }

    private mutating func appendHead(_ type: BSONType, _ key: String) {
        append(type.rawValue)
        append(contentsOf: key.utf8)
        append(0)
    }

    private mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
