import FLV
import RTMP

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    /// The first byte is the message type, the rest its payload.
    static let rtmpMessage = FuzzTarget(
        "rtmp-message",
        invariant:
            "any payload decodes or throws, and a command that decodes encodes to one that decodes to the same bytes"
    ) { bytes throws(FuzzViolation) in
        guard let type = bytes.first.flatMap(MessageType.init) else { return }
        let payload = ByteBuffer(bytes: bytes.dropFirst())
        switch type {
        case .userControl: _ = try? UserControl(decoding: payload)
        case .commandAMF0, .commandAMF3:
            guard let command = try? Command(decoding: payload, limits: AMF0Limits()) else { return }
            let written = command.payload
            guard let again = try? Command(decoding: written, limits: AMF0Limits()) else {
                throw FuzzViolation("a command that was encoded does not decode")
            }
            try require(again.payload == written, "a second round differs from the first")
        case .setChunkSize, .abort, .acknowledgement, .windowAcknowledgementSize, .setPeerBandwidth, .audio, .video,
            .dataAMF3, .dataAMF0, .aggregate:
            _ = try? FLVMediaTag.video(payload)
            _ = try? FLVMediaTag.audio(payload)
        }
    }
}
