import RTP
import Timebase

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let rtpPacket = FuzzTarget(
        "rtp-packet",
        invariant: "any bytes are a packet or an error, and a packet that is read is written as the bytes it came from"
    ) { bytes throws(FuzzViolation) in
        let datagram = ByteBuffer(bytes: bytes)
        guard let packet = try? RTPPacket(parsing: datagram) else { return }
        let map = HeaderExtensionMap(
            Dictionary(uniqueKeysWithValues: zip(1..., HeaderExtensionKind.allCases))
        )
        let values = map.read(packet.headerExtension)
        try require(map.read(map.block(for: values)) == values, "extensions changed on their way")
        guard let again = try? RTPPacket(parsing: packet.encoded) else {
            throw FuzzViolation("a packet that was written does not read")
        }
        try require(again == packet, "a packet changed on its way")
        try require(packet.encoded.readableBytes == bytes.count, "bytes came or went")
    }

    static let rtcp = FuzzTarget(
        "rtcp",
        invariant: "any bytes are packets or an error, and what is read and written reads the same"
    ) { bytes throws(FuzzViolation) in
        guard let packets = try? RTCPPacket.parse(ByteBuffer(bytes: bytes)) else { return }
        for packet in packets {
            if case .other = packet { continue }
            // A byte that is not UTF-8 becomes three of U+FFFD, and texts are cut at 255.
            switch packet {
            case .sourceDescription, .goodbye: continue
            case .senderReport, .receiverReport, .nack, .pictureLossIndication, .fullIntraRequest, .maximumBitrate,
                .transportFeedback, .other:
                break
            }
            guard let again = try? RTCPPacket.parse(RTCPPacket.encode([packet])) else {
                throw FuzzViolation("a packet that was written does not read")
            }
            try require(again == [packet], "a packet changed on its way")
        }
    }

    /// The first byte says which codec and how the rest is cut into payloads.
    static let rtpDepacketizers = FuzzTarget(
        "rtp-depacketizers",
        invariant: "any payloads are a frame or an error, and a frame is not longer than what it was made of allows"
    ) { bytes throws(FuzzViolation) in
        guard let first = bytes.first else { return }
        let codecs = RTPCodec.allCases
        var depacketizer = codecs[Int(first) % codecs.count].makeDepacketizer()
        var rest = ByteBuffer(bytes: bytes.dropFirst())
        var count = 0
        while let length = rest.readInteger(as: UInt8.self),
            let payload = rest.readSlice(length: min(Int(length), rest.readableBytes))
        {
            count += 1
            _ = depacketizer.mayBeginFrame(payload)
            if (try? depacketizer.append(payload)) == nil { depacketizer.reset() }
        }
        guard let frame = try? depacketizer.finishFrame() else { return }
        try require(frame.payload.readableBytes > 0, "a frame of nothing")
        // Two bytes of length in an aggregate become four; an AV1 element gains a size.
        try require(frame.payload.readableBytes <= bytes.count * 4, "more came out than can be")
    }
}
