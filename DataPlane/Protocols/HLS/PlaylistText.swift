package import Timebase

package import struct NIOCore.ByteBuffer

/// Appends playlist text to a buffer, without Foundation and without a string for each line.
package struct PlaylistText {
    package private(set) var bytes = ByteBuffer()

    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    package mutating func write(_ text: StaticString) { bytes.writeStaticString(text) }
    package mutating func write(_ text: String) { bytes.writeString(text) }

    package mutating func write(_ number: some FixedWidthInteger) {
        if number < 0 { bytes.writeInteger(UInt8(ascii: "-")) }
        writeDigits(UInt64(number.magnitude), width: 1)
    }

    /// Seconds with five digits: finer than a tick of 90 kHz needs to keep its place.
    package mutating func write(seconds time: MediaTime) {
        let hundredThousandths = time.samples(atRate: 100_000).magnitude
        writeDigits(hundredThousandths / 100_000, width: 1)
        bytes.writeInteger(UInt8(ascii: "."))
        writeDigits(hundredThousandths % 100_000, width: 5)
    }

    /// Thousandths, as frame rates are given.
    package mutating func write(thousandths value: UInt64) {
        writeDigits(value / 1000, width: 1)
        bytes.writeInteger(UInt8(ascii: "."))
        writeDigits(value % 1000, width: 3)
    }

    /// Percent-encodes all but unreserved characters (RFC 3986 §2.3): a token cannot end its quotes or its line.
    package mutating func write(percentEncoding text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.writeInteger(byte)
            default:
                bytes.writeInteger(UInt8(ascii: "%"))
                bytes.writeInteger(Self.hexadecimal(byte >> 4))
                bytes.writeInteger(Self.hexadecimal(byte & 0xF))
            }
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
    }

    private mutating func writeDigits(_ value: UInt64, width: Int) {
        var divisor: UInt64 = 1
        var digits = 1
        while value / divisor >= 10 || digits < width {
            divisor *= 10
            digits += 1
        }
        while divisor > 0 {
            bytes.writeInteger(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
