import RTP
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct RTCPTests {
    static let block = ReportBlock(
        ssrc: SSRC(0x0102_0304),
        fractionLost: 0x40,
        cumulativeLost: -2,
        highestSequence: 0x0001_FFFF,
        jitter: 9,
        lastSenderReport: 0xAAAA_BBBB,
        delaySinceLastSenderReport: 0x0001_0000
    )

    /// Laid out by hand from the figures of RFC 3550 §6.4–6.6, RFC 4585 §6.2–6.3, RFC 5104 §4.3.1 and the drafts on REMB
    /// and transport-wide feedback.
    static let vectors: [(name: String, wire: String, packet: RTCPPacket)] = [
        (
            "RR",
            "81 C9 0007 00000001 01020304 40FFFFFE 0001FFFF 00000009 AAAABBBB 00010000",
            .receiverReport(ReceiverReport(ssrc: SSRC(1), blocks: [block]))
        ),
        (
            "SR",
            "80 C8 0006 00000001 0102030405060708 00000009 0000000A 0000000B",
            .senderReport(
                SenderReport(
                    ssrc: SSRC(1),
                    ntpTime: NTPTime(0x0102_0304_0506_0708),
                    rtpTimestamp: 9,
                    packetCount: 10,
                    octetCount: 11
                )
            )
        ),
        (
            "SDES",
            "82 CA 0005 00000001 01 02 6162 00000000 00000002 01 01 63 00",
            .sourceDescription(
                SourceDescription(chunks: [
                    .init(ssrc: SSRC(1), canonicalName: "ab"), .init(ssrc: SSRC(2), canonicalName: "c"),
                ])
            )
        ),
        ("BYE", "81 CB 0002 00000001 02 6F6B 00", .goodbye(Goodbye(sources: [SSRC(1)], reason: "ok"))),
        (
            "NACK",
            "81 CD 0004 00000001 00000002 FFFF 8001 0064 0000",
            .nack(GenericNack(sender: SSRC(1), media: SSRC(2), sequences: [65_535, 0, 15, 100]))
        ),
        (
            "PLI",
            "81 CE 0002 00000001 00000002",
            .pictureLossIndication(PictureLossIndication(sender: SSRC(1), media: SSRC(2)))
        ),
        (
            "FIR",
            "84 CE 0004 00000001 00000000 00000002 05 000000",
            .fullIntraRequest(FullIntraRequest(sender: SSRC(1), entries: [.init(ssrc: SSRC(2), number: 5)]))
        ),
        (
            // 200,000 needs 18 bits: no exponent; 1 << 20 needs three bits more.
            "REMB",
            "8F CE 0005 00000001 00000000 52454D42 01 0E0000 00000002",
            .maximumBitrate(
                ReceiverEstimatedMaximumBitrate(sender: SSRC(1), bitsPerSecond: 1 << 20, sources: [SSRC(2)])
            )
        ),
        (
            // One status vector of two-bit symbols: small, lost, large.
            "transport-wide feedback",
            "8F CD 0006 00000001 00000002 0005 0003 000010 07 D200 04 FFFE 00 0000",
            .transportFeedback(
                TransportFeedback(
                    sender: SSRC(1),
                    media: SSRC(2),
                    baseSequence: 5,
                    referenceTime: 16,
                    feedbackCount: 7,
                    deltas: [4, nil, -2]
                )
            )
        ),
    ]

    @Test(arguments: vectors.indices)
    func `a packet reads as its specification says`(place: Int) throws {
        let vector = Self.vectors[place]
        var wire = ByteBuffer(hex: vector.wire)
        let length = (Int(wire.bytes[2]) << 8 | Int(wire.bytes[3])) * 4 + 4
        wire.moveWriterIndex(to: length)
        #expect(try RTCPPacket.parse(wire) == [vector.packet], "\(vector.name)")
    }

    @Test(arguments: vectors.indices)
    func `a packet written is the packet read`(place: Int) throws {
        let packet = Self.vectors[place].packet
        let encoded = RTCPPacket.encode([packet])
        #expect(encoded.readableBytes % 4 == 0)
        #expect(try RTCPPacket.parse(encoded) == [packet])
    }

    /// All but the two whose form leaves a choice (run lengths and exponents).
    @Test(arguments: vectors.indices.filter { !["REMB", "transport-wide feedback"].contains(vectors[$0].name) })
    func `a packet is written as its specification says`(place: Int) {
        #expect(RTCPPacket.encode([Self.vectors[place].packet]) == ByteBuffer(hex: Self.vectors[place].wire))
    }

    @Test func `a compound of everything reads in order, and cut anywhere it is refused or shorter`() throws {
        let packets = Self.vectors.map(\.packet)
        let whole = RTCPPacket.encode(packets)
        #expect(try RTCPPacket.parse(whole) == packets)
        for length in 0..<whole.readableBytes {
            let cut = try? RTCPPacket.parse(ByteBuffer(bytes: whole.bytes.prefix(length)))
            if let cut { #expect(cut == Array(packets.prefix(cut.count))) }
        }
    }

    @Test func `a kind we do not know leaves its neighbours alone`() throws {
        var wire = ByteBuffer(hex: "80 CC 0002 00000001 61626364")
        wire.writeImmutableBuffer(RTCPPacket.encode([Self.vectors[5].packet]))
        #expect(try RTCPPacket.parse(wire) == [.other(type: 204, format: 0), Self.vectors[5].packet])
    }

    @Test func `any pattern of arrivals survives transport-wide feedback`() throws {
        var random = SplitMix64(seed: 11)
        for round in 0..<300 {
            let lossPercent = [0, 5, 50, 95, 100][round % 5]
            let deltas: [Int16?] = (0..<Int.random(in: 1...400, using: &random)).map { _ in
                if Int.random(in: 0..<100, using: &random) < lossPercent { return nil }
                return round % 3 == 0
                    ? Int16.random(in: .min ... .max, using: &random) : Int16.random(in: 0...255, using: &random)
            }
            let feedback = RTCPPacket.transportFeedback(
                TransportFeedback(
                    sender: SSRC(1),
                    media: SSRC(2),
                    baseSequence: 65_500,
                    referenceTime: -3,
                    feedbackCount: 255,
                    deltas: deltas
                )
            )
            #expect(try RTCPPacket.parse(RTCPPacket.encode([feedback])) == [feedback])
        }
    }
}
