package import struct NIOCore.ByteBuffer

extension ByteBuffer {
    package mutating func writeAMF0(_ value: AMF0Value) {
        switch value {
        case .number(let number):
            writeMarker(.number)
            writeInteger(number.bitPattern)
        case .boolean(let boolean):
            writeMarker(.boolean)
            writeInteger(UInt8(boolean ? 1 : 0))
        case .string(let text): writeAMF0(string: text)
        case .object(let object):
            writeMarker(.object)
            writeAMF0(properties: object)
        case .null: writeMarker(.null)
        case .undefined: writeMarker(.undefined)
        case .ecmaArray(let object):
            writeMarker(.ecmaArray)
            writeInteger(UInt32(object.properties.count))
            writeAMF0(properties: object)
        case .strictArray(let values):
            writeMarker(.strictArray)
            writeInteger(UInt32(values.count))
            for value in values { writeAMF0(value) }
        case .date(let milliseconds, let zone):
            writeMarker(.date)
            writeInteger(milliseconds.bitPattern)
            writeInteger(zone)
        }
    }

    private mutating func writeAMF0(string text: String) {
        let length = text.utf8.count
        if let short = UInt16(exactly: length) {
            writeMarker(.string)
            writeInteger(short)
        } else {
            writeMarker(.longString)
            writeInteger(UInt32(length))
        }
        writeString(text)
    }

    private mutating func writeAMF0(properties object: AMF0Object) {
        for property in object.properties {
            // A name has a 16-bit length and no long form (§2.5).
            let name = property.name.utf8.prefix(Int(UInt16.max))
            writeInteger(UInt16(name.count))
            writeBytes(name)
            writeAMF0(property.value)
        }
        writeInteger(UInt16(0))
        writeMarker(.objectEnd)
    }

    private mutating func writeMarker(_ marker: AMF0Marker) { writeInteger(marker.rawValue) }
}
