import MediaModel
import RTP
import TestSupport
import Testing
import WebRTC

import struct NIOCore.ByteBuffer

/// The sending half of a browser: numbers packets, and repeats those it is asked for.
struct FrameSender {
    static let ssrc = SSRC(77)

    private(set) var stream: SendStream
    private let pair: PeerPair

    init(_ pair: PeerPair, extensions: HeaderExtensionMap = HeaderExtensionMap(), seed: UInt64 = 9) throws {
        self.pair = pair
        var random = SplitMix64(seed: seed)
        // The first payload types of an offer.
        let (media, repair) = (try #require(PayloadType(96)), try #require(PayloadType(97)))
        stream = SendStream(
            .init(
                ssrc: Self.ssrc,
                payloadType: media,
                clockRate: 90_000,
                repair: (SSRC(78), repair),
                extensions: extensions
            ),
            using: &random
        )
    }

    /// `values` go with each packet but for the capture time, which is for a frame's first one.
    mutating func send(_ frame: PacketizedFrame, _ values: HeaderExtensions = HeaderExtensions()) throws {
        try send(stream.packets(for: frame, at: pair.now), values)
    }

    mutating func sendAgain(_ sequences: [UInt16]) throws {
        for repeated in stream.repeats(of: sequences, at: pair.now) { try send(repeated, HeaderExtensions()) }
    }

    private func send(_ packets: OutgoingPackets, _ values: HeaderExtensions) throws {
        for place in packets.indices {
            var (bytes, values) = (ByteBuffer(), values)
            if place > 0 { values.absoluteCaptureTime = nil }
            stream.writer.write(packets, place, extensions: values, into: &bytes)
            try pair.client.send(rtp: RTPPacket(parsing: bytes))
        }
    }
}
