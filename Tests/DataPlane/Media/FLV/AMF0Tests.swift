import FLV
import NIOCore
import Testing

@Suite struct AMF0Tests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var wire: [UInt8]
        var value: AMF0Value
    }

    static let vectors = [
        Vector(testDescription: "number", wire: [0, 0x40, 0x08, 0, 0, 0, 0, 0, 0], value: 3),
        Vector(testDescription: "true", wire: [1, 1], value: true),
        Vector(testDescription: "string", wire: [2, 0, 4] + Array("live".utf8), value: "live"),
        Vector(testDescription: "empty string", wire: [2, 0, 0], value: ""),
        Vector(
            testDescription: "object",
            wire: [3, 0, 3] + Array("app".utf8) + [2, 0, 1, 0x61, 0, 0, 9],
            value: .object(["app": "a"])
        ),
        Vector(testDescription: "null", wire: [5], value: .null),
        Vector(testDescription: "undefined", wire: [6], value: .undefined),
        Vector(
            testDescription: "ECMA array",
            wire: [8, 0, 0, 0, 1, 0, 1, 0x6B, 1, 0, 0, 0, 9],
            value: .ecmaArray(["k": false])
        ),
        Vector(
            testDescription: "strict array",
            wire: [10, 0, 0, 0, 2, 5, 6],
            value: .strictArray([.null, .undefined])
        ),
        Vector(
            testDescription: "date",
            wire: [11, 0x42, 0x70, 0, 0, 0, 0, 0, 0, 0, 0],
            value: .date(millisecondsSince1970: 1_099_511_627_776, zone: 0)
        ),
    ]

    @Test(arguments: vectors)
    func `a value reads from its wire form and writes to the same`(vector: Vector) throws {
        var decoder = AMF0Decoder(ByteBuffer(bytes: vector.wire))
        #expect(try decoder.value() == vector.value)
        #expect(decoder.isEmpty)
        var written = ByteBuffer()
        written.writeAMF0(vector.value)
        #expect(written == ByteBuffer(bytes: vector.wire))
    }

    @Test(arguments: vectors)
    func `a value cut short anywhere is truncated, never misread`(vector: Vector) {
        for length in 0..<vector.wire.count {
            #expect(throws: AMF0Error.truncated) {
                var decoder = AMF0Decoder(ByteBuffer(bytes: vector.wire[..<length]))
                _ = try decoder.value()
            }
        }
    }

    @Test func `text over 65,535 bytes goes as a long string and comes back`() throws {
        let text = String(repeating: "x", count: 65_536)
        var written = ByteBuffer()
        written.writeAMF0(.string(text))
        #expect(written.getInteger(at: 0, as: UInt8.self) == 0x0C)
        var decoder = AMF0Decoder(written)
        #expect(try decoder.value() == .string(text))
    }

    @Test func `the element count of an ECMA array is only a hint`() throws {
        var decoder = AMF0Decoder(ByteBuffer(bytes: [8, 0, 0, 0, 0, 0, 1, 0x6B, 5, 0, 0, 9]))
        #expect(try decoder.value() == .ecmaArray(["k": .null]))
    }

    @Test func `nesting deeper than the limit is refused`() {
        var wire = ByteBuffer()
        for _ in 0..<16 { wire.writeBytes([10, 0, 0, 0, 1]) }
        wire.writeInteger(UInt8(5))
        #expect(throws: AMF0Error.tooDeep(limit: 16)) {
            var decoder = AMF0Decoder(wire)
            _ = try decoder.value()
        }
    }

    @Test func `more values than the limit are refused, in one array or in many`() {
        var array = ByteBuffer(bytes: [10, 0, 0, 4, 0])
        array.writeRepeatingByte(5, count: 1024)
        let loose = ByteBuffer(repeating: 5, count: 1025)
        for wire in [array, loose] {
            #expect(throws: AMF0Error.tooManyValues(limit: 1024)) {
                var decoder = AMF0Decoder(wire)
                _ = try decoder.remainingValues()
            }
        }
    }

    @Test func `an array that announces more elements than there are bytes is refused before it is built`() {
        #expect(throws: AMF0Error.truncated) {
            var decoder = AMF0Decoder(ByteBuffer(bytes: [10, 0xFF, 0xFF, 0xFF, 0xFF, 5]))
            _ = try decoder.value()
        }
    }

    @Test(arguments: [7, 9, 13, 15, 16, 17, 255] as [UInt8])
    func `types that live streaming does not use are named in the error`(marker: UInt8) {
        #expect(throws: AMF0Error.unsupportedMarker(marker)) {
            var decoder = AMF0Decoder(ByteBuffer(bytes: [marker, 0, 0, 0, 0]))
            _ = try decoder.value()
        }
    }
}
