import Relay

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let relayFrame = FuzzTarget(
        "relay-frame",
        invariant:
            "frames cut at every byte are the same as whole, and a frame that is read writes to one that reads the same"
    ) { bytes throws(FuzzViolation) in
        let whole = Story(of: [bytes])
        try require(Story(of: bytes.map { [$0] }) == whole, "cutting at every byte changed the frames")
        // A byte that is not UTF-8 is written as the three of U+FFFD.
        var limits = RelayLimits()
        limits.nameBytesMax *= 3
        limits.ticketBytesMax *= 3
        limits.detailBytesMax *= 3
        for frame in whole.frames {
            var written = frame.encoded
            guard let type = written.readInteger(as: UInt8.self), written.readInteger(as: UInt32.self) != nil,
                let again = try? RelayFrame(type: type, payload: written, limits: limits)
            else { throw FuzzViolation("a frame that was written does not read") }
            try require(again == frame, "a frame changed on its way")
        }
    }
}

private struct Story: Equatable {
    var frames: [RelayFrame] = []
    var error: RelayError?

    init(of pieces: [[UInt8]]) {
        let limits = RelayLimits()
        var reader = RelayFrameReader()
        do throws(RelayError) {
            for piece in pieces {
                reader.append(ByteBuffer(bytes: piece))
                // The limit of a child's frames, so that a length of 16 MB does not cost its memory each time.
                while let frame = try reader.next(bytesMax: limits.childFrameBytesMax, limits: limits) {
                    frames.append(frame)
                }
            }
        } catch { self.error = error }
    }
}
