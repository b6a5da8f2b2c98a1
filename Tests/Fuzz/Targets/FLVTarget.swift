import FLV

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let flv = FuzzTarget(
        "flv",
        invariant: "a stream cut in two gives the same tags as whole, and a frame is never longer than its tag"
    ) { bytes throws(FuzzViolation) in
        let whole = tags(in: [bytes])
        let half = bytes.count / 2
        try require(tags(in: [Array(bytes[..<half]), Array(bytes[half...])]) == whole, "a cut changed the tags")
        for tag in whole {
            let media = tag.header.type == .video ? try? FLVMediaTag.video(tag.body) : try? FLVMediaTag.audio(tag.body)
            guard case .frame(let frame)? = media else { continue }
            try require(frame.payload.readableBytes < tag.body.readableBytes, "a frame is longer than its tag")
        }
    }

    private static func tags(in pieces: [[UInt8]]) -> [FLVTag] {
        var reader = FLVTagReader()
        var tags: [FLVTag] = []
        for piece in pieces {
            reader.append(ByteBuffer(bytes: piece))
            do {
                while let tag = try reader.next() { tags.append(tag) }
            } catch { return tags }
        }
        return tags
    }
}
