import MediaModel
import RTP
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct PacketTests {
    /// RFC 3550 §5.1 and RFC 8285 §4.2, §4.3, by hand.
    static let vectors: [(wire: String, payload: String, elements: [(UInt8, String)], padding: UInt8)] = [
        ("80 E0 0001 00000002 00000003 AABB", "AABB", [], 0),
        ("82 60 FFFF FFFFFFFF 00000003 00000004 00000005 01", "01", [], 0),
        ("A0 60 0001 00000002 00000003 AA 00 00 03", "AA", [], 3),
        ("90 60 0001 00000002 00000003 BEDE 0002 10 30 00 22 01 02 03 00 CC", "CC", [(1, "30"), (2, "010203")], 0),
        ("90 60 0001 00000002 00000003 1000 0002 01 01 30 00 0F 02 0102 CC", "CC", [(1, "30"), (15, "0102")], 0),
        // Id 15 ends the list of one-byte elements.
        ("90 60 0001 00000002 00000003 BEDE 0001 10 30 F0 00 CC", "CC", [(1, "30")], 0),
    ]

    @Test(arguments: vectors.indices)
    func `a packet reads as its specification says and writes the same bytes`(place: Int) throws {
        let vector = Self.vectors[place]
        let packet = try RTPPacket(parsing: ByteBuffer(hex: vector.wire))
        #expect(packet.payload == ByteBuffer(hex: vector.payload))
        #expect(packet.paddingBytes == vector.padding)
        let elements = packet.headerExtension?.elements ?? []
        #expect(elements.map(\.id) == vector.elements.map(\.0))
        #expect(elements.map(\.data) == vector.elements.map { ByteBuffer(hex: $0.1) })
        #expect(packet.encoded == ByteBuffer(hex: vector.wire))
    }

    @Test(arguments: vectors.indices)
    func `a header that is cut off anywhere is refused`(place: Int) throws {
        let whole = ByteBuffer(hex: Self.vectors[place].wire)
        let header =
            whole.readableBytes - ByteBuffer(hex: Self.vectors[place].payload).readableBytes
            - Int(Self.vectors[place].padding)
        for length in 0..<header {
            #expect(throws: RTPError.self) { try RTPPacket(parsing: ByteBuffer(bytes: whole.bytes.prefix(length))) }
        }
    }

    @Test func `padding longer than the payload is refused`() {
        #expect(throws: RTPError.self) {
            try RTPPacket(parsing: ByteBuffer(hex: "A0 60 0001 00000002 00000003 AA 03"))
        }
        #expect(throws: RTPError.self) {
            try RTPPacket(parsing: ByteBuffer(hex: "A0 60 0001 00000002 00000003 AA 00"))
        }
    }

    static var everyExtension: HeaderExtensions {
        var values = HeaderExtensions()
        values.mid = "0"
        values.rid = "hi"
        values.repairedRid = "lo"
        values.absoluteSendTime = 0x12_3456
        values.transportSequence = 0xFFFE
        values.absoluteCaptureTime = AbsoluteCaptureTime(time: NTPTime(0x0102_0304_0506_0708), clockOffset: -5)
        values.playoutDelay = PlayoutDelay(minimum: 0, maximum: 0xABC)
        return values
    }

    private static func header(_ writer: RTPHeaderWriter, marker: Bool, _ values: HeaderExtensions) -> ByteBuffer {
        var header = ByteBuffer()
        header.writeWithUnsafeMutableBytes(minimumWritableBytes: writer.bytesMax(values)) {
            writer.write(marker: marker, sequence: 5, timestamp: 9, extensions: values, into: $0)
        }
        return header
    }

    /// Ids of one byte, and one beyond 14 that needs two.
    @Test(arguments: [1, 10] as [UInt8])
    func `every extension survives its way, and the fast writer writes what the plain one does`(firstID: UInt8) throws {
        var map = HeaderExtensionMap()
        for (place, kind) in HeaderExtensionKind.allCases.enumerated() { map.add(kind, id: firstID + UInt8(place)) }
        let values = Self.everyExtension
        #expect(map.read(map.block(for: values)) == values)

        let type = try #require(PayloadType(96))
        let writer = RTPHeaderWriter(ssrc: SSRC(7), payloadType: type, extensions: map)
        let written = Self.header(writer, marker: true, values)
        let plain = RTPPacket(
            marker: true,
            payloadType: type,
            sequence: 5,
            timestamp: 9,
            ssrc: SSRC(7),
            headerExtension: map.block(for: values),
            payload: ByteBuffer()
        )
        #expect(written == plain.encoded)
    }

    struct Extension: Sendable {
        var kind: HeaderExtensionKind
        var values: HeaderExtensions
        /// Behind the fixed header, under id 5.
        var bytes: String

        init(_ kind: HeaderExtensionKind, _ bytes: String, _ set: (inout HeaderExtensions) -> Void) {
            (self.kind, self.bytes, values) = (kind, bytes, HeaderExtensions())
            set(&values)
        }
    }

    static let extensionVectors = [
        Extension(.absoluteCaptureTime, "BEDE 0003 57 E5D8F6C180000000 000000") {
            $0.absoluteCaptureTime = AbsoluteCaptureTime(time: NTPTime(0xE5D8_F6C1_8000_0000))
        },
        // Half a second behind the sender's clock.
        Extension(.absoluteCaptureTime, "BEDE 0005 5F E5D8F6C180000000 FFFFFFFF80000000 000000") {
            $0.absoluteCaptureTime = AbsoluteCaptureTime(
                time: NTPTime(0xE5D8_F6C1_8000_0000),
                clockOffset: -1 << 31
            )
        },
        // 100 ms to 1 s.
        Extension(.playoutDelay, "BEDE 0001 52 00A064") { $0.playoutDelay = PlayoutDelay(minimum: 10, maximum: 100) },
        Extension(.playoutDelay, "BEDE 0001 52 000FFF") { $0.playoutDelay = PlayoutDelay(minimum: 0, maximum: 9999) },
    ]

    @Test(arguments: extensionVectors)
    func `capture time and playout delay stand on the wire as they are specified`(vector: Extension) throws {
        let map = HeaderExtensionMap([5: vector.kind])
        let type = try #require(PayloadType(96))
        let writer = RTPHeaderWriter(ssrc: SSRC(7), payloadType: type, extensions: map)
        let written = Self.header(writer, marker: false, vector.values)
        #expect(written == ByteBuffer(hex: "90 60 0005 00000009 00000007" + vector.bytes))
        #expect(map.read(try RTPPacket(parsing: written).headerExtension) == vector.values)
    }

    @Test func `without agreed extensions the header has its twelve bytes`() throws {
        let type = try #require(PayloadType(96))
        let writer = RTPHeaderWriter(ssrc: SSRC(7), payloadType: type, extensions: HeaderExtensionMap())
        let written = Self.header(writer, marker: false, Self.everyExtension)
        #expect(written == ByteBuffer(hex: "80 60 0005 00000009 00000007"))
    }

    @Test func `an RTX packet yields the packet it repeats`() throws {
        let type = try #require(PayloadType(97))
        let repeated = RTPPacket(
            marker: true,
            payloadType: type,
            sequence: 1,
            timestamp: 2,
            ssrc: SSRC(3),
            payload: ByteBuffer(hex: "FFFF 0A0B")
        )
        let mediaType = try #require(PayloadType(96))
        let original = try #require(try repeated.original(ssrc: SSRC(4), payloadType: mediaType))
        #expect(original.sequence == 0xFFFF && original.ssrc == SSRC(4) && original.marker)
        #expect(original.payload == ByteBuffer(hex: "0A0B"))
        var empty = repeated
        empty.payload = ByteBuffer()
        #expect(try empty.original(ssrc: SSRC(4), payloadType: type) == nil)
    }

    @Test func `a counter goes on growing across its wrap, whatever the order`() {
        var unwrapper = Unwrapper<UInt16>()
        let wire: [UInt16] = [65_534, 0, 65_535, 2, 1, 65_533]
        let extended = wire.map { unwrapper.unwrap($0) }
        #expect(extended == [65_534, 65_536, 65_535, 65_538, 65_537, 65_533])
    }
}
