import DASH
import HLS

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let hlsObjectName = FuzzTarget(
        "hls-object-name",
        invariant: "a name that is read is written as it came"
    ) { bytes throws(FuzzViolation) in
        let text = String(decoding: bytes, as: UTF8.self)
        if let name = TimedSegmentName(text[...]) {
            try require(name.description == text && ObjectName(text) == nil, "one segment has two names")
        }
        guard let name = ObjectName(text) else { return }
        try require(name.description == text, "one object has two names")
    }

    static let segmentIndex = FuzzTarget(
        "segment-index",
        invariant: "any index decodes or throws, and what decodes encodes to bytes that decode and encode to themselves"
    ) { bytes throws(FuzzViolation) in
        guard let index = try? SegmentIndex(decoding: ByteBuffer(bytes: bytes)) else { return }
        var written = ByteBuffer()
        index.encode(into: &written)
        guard let again = try? SegmentIndex(decoding: written) else {
            throw FuzzViolation("an index that was encoded does not decode")
        }
        var second = ByteBuffer()
        again.encode(into: &second)
        try require(second == written, "a second round differs from the first")
        _ = MediaPlaylist(index: index, streamID: "s").render(skip: false, token: nil)
    }
}
