import Codecs
import Testing

import struct NIOCore.ByteBuffer

@Suite struct NALUnitTests {
    @Test(arguments: [
        ("three- and four-byte start codes", "00000001 6742 000001 68ce 00000001 6588", ["6742", "68ce", "6588"]),
        ("zeros behind a NAL unit belong to the stream", "000001 6588 000000 000001 41 00", ["6588", "41"]),
        ("bytes before the first start code are dropped", "ffff 000001 65", ["65"]),
        ("no start code, no NAL unit", "65880000", []),
        ("an empty NAL unit is none", "000001 000001 65", ["65"]),
    ])
    func `a byte stream is split at its start codes`(title: String, stream: String, units: [String]) {
        #expect(AnnexB.split(hex(stream)) == units.map(hex), "\(title)")
    }

    @Test func `length prefixes and start codes turn into each other`() throws {
        let prefixed = hex("00000002 6742 00000003 65 8880")
        let stream = try AnnexB.stream(fromLengthPrefixed: prefixed, parameterSets: [hex("68ce")])
        #expect(stream == hex("00000001 68ce 00000001 6742 00000001 658880"))
        #expect(AnnexB.lengthPrefixed(stream) == hex("00000002 68ce 00000002 6742 00000003 658880"))
    }

    @Test func `short length prefixes are widened`() throws {
        #expect(
            try LengthPrefixedNALUnits.normalize(hex("0002 6742 0001 65"), lengthBytes: 2)
                == hex("00000002 6742 00000001 65")
        )
        #expect(try LengthPrefixedNALUnits.normalize(hex("02 6742"), lengthBytes: 1) == hex("00000002 6742"))
    }

    @Test(arguments: ["000000", "00000005 6588", "ffffffff 65", "00000001 65 00"])
    func `a length beyond the access unit is refused`(payload: String) {
        #expect(throws: CodecError.truncated(.nalUnits)) { try LengthPrefixedNALUnits.split(hex(payload)) }
    }

    @Test func `emulation prevention bytes are taken out, also one after the other`() {
        #expect(RBSP.unescape(hex("67 000003 01 000003 000003 03"), headerBytes: 1) == [0, 0, 1, 0, 0, 0, 0, 3])
    }
}
