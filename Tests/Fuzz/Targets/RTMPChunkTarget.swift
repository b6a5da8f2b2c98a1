import RTMP

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let rtmpChunk = FuzzTarget(
        "rtmp-chunk",
        invariant:
            "chunks cut at every byte give the same messages and the same error as whole, and no more bytes than came"
    ) { bytes throws(FuzzViolation) in
        let whole = Story(of: [bytes])
        try require(Story(of: bytes.map { [$0] }) == whole, "cutting at every byte changed the messages")
        let delivered = whole.messages.reduce(0) { $0 + $1.payload.readableBytes }
        try require(delivered <= bytes.count, "more bytes came out than went in")
    }
}

private struct Story: Equatable {
    var messages: [RawMessage] = []
    var error: RTMPError?

    init(of pieces: [[UInt8]]) {
        var decoder = ChunkDecoder()
        do throws(RTMPError) {
            for piece in pieces {
                decoder.append(ByteBuffer(bytes: piece))
                while let message = try decoder.nextMessage() { messages.append(message) }
            }
        } catch { self.error = error }
    }
}
