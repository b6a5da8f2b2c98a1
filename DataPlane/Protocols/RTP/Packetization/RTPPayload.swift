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

/// One access unit cut into payloads.
package struct PacketizedFrame: Hashable, Sendable {
    package var track: TrackID
    package var presentationTime: MediaTime
    package var isKeyframe: Bool
    package var captureTime: AbsoluteCaptureTime?
    package let train: PayloadTrain

    package init(track: TrackID, presentationTime: MediaTime, isKeyframe: Bool, payloads: [RTPPayload]) {
        self.track = track
        self.presentationTime = presentationTime
        self.isKeyframe = isKeyframe
        train = PayloadTrain(payloads)
    }

    package var payloads: [RTPPayload] { train.payloads }
    package var payloadBytes: Int { train.byteCount }
}

/// The payloads of a frame side by side. All viewers of all loops send from it, so it is one reference however many packets
/// there are: counting references to each packet costs more than writing its header.
package final class PayloadTrain: Hashable, Sendable {
    /// A buffer's room is a power of two, which of a second of kept frames would be megabytes too much.
    private let bytes: [UInt8]
    private let ends: [Int]

    init(_ payloads: [RTPPayload]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payloads.reduce(0) { $0 + $1.bytes.readableBytes })
        ends = payloads.map {
            bytes += $0.bytes.readableBytesView
            return bytes.count
        }
        self.bytes = bytes
    }

    var count: Int { ends.count }
    var byteCount: Int { bytes.count }

    func range(_ place: Int) -> Range<Int> { start(place)..<ends[place] }
    func bytes(_ places: Range<Int>) -> Int {
        places.isEmpty ? 0 : ends[places.upperBound - 1] - start(places.lowerBound)
    }

    private func start(_ place: Int) -> Int { place == 0 ? 0 : ends[place - 1] }

    /// Returns how many bytes that were.
    func copy(_ place: Int, to datagram: UnsafeMutableRawBufferPointer) -> Int {
        let range = range(place)
        bytes.withUnsafeBytes { datagram.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
        return range.count
    }

    func payload(_ place: Int) -> ByteBuffer { ByteBuffer(bytes: bytes[range(place)]) }

    var payloads: [RTPPayload] {
        ends.indices.map { RTPPayload(bytes: payload($0), marker: $0 == ends.count - 1) }
    }

    package static func == (lhs: PayloadTrain, rhs: PayloadTrain) -> Bool {
        lhs === rhs || lhs.bytes == rhs.bytes && lhs.ends == rhs.ends
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
        hasher.combine(ends)
    }
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
