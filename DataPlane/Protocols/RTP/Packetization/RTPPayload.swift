package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// What one packet carries after its header. Made once per stream and shared by all its viewers.
package struct RTPPayload: Hashable, Sendable {
    package var bytes: ByteBuffer
    /// The last packet of its frame.
    package var marker: Bool

    package init(bytes: ByteBuffer, marker: Bool) {
        self.bytes = bytes
        self.marker = marker
    }
}

/// One access unit cut into payloads that lie one after the other in one storage.
package struct PacketizedFrame: Hashable, Sendable {
    package var track: TrackID
    package var presentationTime: MediaTime
    package var isKeyframe: Bool
    package var payloads: [RTPPayload]

    package init(track: TrackID, presentationTime: MediaTime, isKeyframe: Bool, payloads: [RTPPayload]) {
        self.track = track
        self.presentationTime = presentationTime
        self.isKeyframe = isKeyframe
        self.payloads = payloads
    }

    package var payloadBytes: Int { payloads.reduce(0) { $0 + $1.bytes.readableBytes } }
}

package struct PacketizationLimits: Hashable, Sendable {
    /// Leaves room in 1,280 octets, which every IPv6 path carries, for IP, UDP, RTP with extensions, RTX and the SRTP tag.
    package var payloadBytesMax = 1160

    package init() {}
}

/// Writes the payloads of a frame side by side, so that a frame costs one allocation and a run of fragments is one
/// stretch of equal pieces, as segmentation offload wants it.
struct PayloadWriter {
    var storage = ByteBuffer()
    private var ends: [Int] = []

    init(capacity: Int) { storage.reserveCapacity(capacity) }

    mutating func endPayload() { ends.append(storage.writerIndex) }

    func payloads() -> [RTPPayload] {
        var start = 0
        return ends.enumerated().map { place, end in
            defer { start = end }
            let bytes = storage.getSlice(at: start, length: end - start) ?? ByteBuffer()
            return RTPPayload(bytes: bytes, marker: place == ends.count - 1)
        }
    }
}
