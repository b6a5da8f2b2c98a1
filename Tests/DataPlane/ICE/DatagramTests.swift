import ICE
import Testing

import struct NIOCore.ByteBuffer

@Suite struct DatagramTests {
    @Test(arguments: [
        ("00 01", DatagramKind.stun), ("03", .stun), ("04", .unknown), ("13", .unknown), ("14 FE FD", .dtls),
        ("16 FE FD", .dtls), ("3F", .dtls), ("40 00", .unknown), ("7F", .unknown), ("80 60", .rtp), ("80 E0", .rtp),
        ("90 BF", .rtp), ("80 C0", .rtcp), ("81 C8", .rtcp), ("81 CD", .rtcp), ("80 DF", .rtcp), ("BF 6F", .rtp),
        ("C0 00", .unknown), ("80", .unknown), ("", .unknown),
    ])
    func `A datagram is known by its first bytes`(bytes: String, kind: DatagramKind) {
        #expect(DatagramKind(of: hex(bytes)) == kind)
    }

    static let datagrams = [ByteBuffer(), StunVector.request, ByteBuffer(bytes: [1]), StunVector.responseV6]

    static func datagrams(in pieces: [ArraySlice<UInt8>]) throws -> [ByteBuffer] {
        var reader = FramedDatagramReader()
        var datagrams: [ByteBuffer] = []
        for piece in pieces {
            reader.append(ByteBuffer(bytes: piece))
            while let datagram = try reader.next() { datagrams.append(datagram) }
        }
        return datagrams
    }

    @Test func `Framed datagrams are the same wherever the bytes are cut`() throws {
        var framed = ByteBuffer()
        for datagram in Self.datagrams {
            let fits = framed.writeFramedDatagram(datagram)
            #expect(fits)
        }
        let bytes = Array(framed.readableBytesView)
        for cut in 0...bytes.count {
            #expect(try Self.datagrams(in: [bytes[..<cut], bytes[cut...]]) == Self.datagrams, "cut at \(cut)")
        }
        #expect(try Self.datagrams(in: bytes.indices.map { bytes[$0...$0] }) == Self.datagrams)
    }

    @Test func `A frame above the limit is refused before its bytes come`() throws {
        var reader = FramedDatagramReader()
        reader.append(ByteBuffer(bytes: [0x24, 0x00]))
        let datagram = try reader.next()
        #expect(datagram == nil)
        reader = FramedDatagramReader()
        // What an HTTP client says first.
        reader.append(ByteBuffer(string: "GE"))
        #expect(throws: FramedDatagramReader.Failure.datagramTooLong(bytes: 0x4745, limit: 9216)) { try reader.next() }
    }

    @Test func `A datagram that two octets cannot count is not written`() {
        var buffer = ByteBuffer()
        let datagram = ByteBuffer(repeating: 0, count: 65_536)
        let fits = buffer.writeFramedDatagram(datagram)
        #expect(!fits)
        #expect(buffer == ByteBuffer())
    }
}
