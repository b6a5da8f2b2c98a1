import FLV

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let amf0 = FuzzTarget(
        "amf0",
        invariant: "any bytes decode or throw, and what decodes encodes to bytes that decode and encode to themselves"
    ) { bytes throws(FuzzViolation) in
        guard let values = try? decode(ByteBuffer(bytes: bytes)) else { return }
        let written = encode(values)
        guard let again = try? decode(written) else { throw FuzzViolation("what was encoded does not decode") }
        // Compared as bytes: a number that is NaN does not equal itself.
        try require(encode(again) == written, "a second round differs from the first")
    }

    private static func decode(_ bytes: ByteBuffer) throws(AMF0Error) -> [AMF0Value] {
        var decoder = AMF0Decoder(bytes)
        return try decoder.remainingValues()
    }

    private static func encode(_ values: [AMF0Value]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for value in values { buffer.writeAMF0(value) }
        return buffer
    }
}
