package import struct NIOCore.ByteBuffer

/// Puts the packets of one viewer's stream into datagrams. Of numbers alone: what is done for each packet touches none of what
/// a stream refers to.
package struct PacketWriter: Sendable {
    private let media: RTPHeaderWriter
    /// For repeats; nil where they go out as they were.
    private let repair: RTPHeaderWriter?

    init(_ configuration: SendStream.Configuration) {
        media = RTPHeaderWriter(
            ssrc: configuration.ssrc,
            payloadType: configuration.payloadType,
            extensions: configuration.extensions
        )
        repair = configuration.repair.map {
            RTPHeaderWriter(ssrc: $0.ssrc, payloadType: $0.payloadType, extensions: configuration.extensions)
        }
    }

    /// The whole packet at `place` of `packets`, ready to be encrypted where it stands.
    package func write(
        _ packets: OutgoingPackets,
        _ place: Int,
        extensions: HeaderExtensions = HeaderExtensions(),
        into bytes: inout ByteBuffer
    ) {
        let header = packets.repeats == nil ? media : repair ?? media
        let room = header.bytesMax(extensions) + 2 + packets.train.range(place).count
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { bytes in
            var count = header.write(
                marker: place == packets.train.count - 1,
                sequence: packets.sequence(place),
                timestamp: packets.timestamp,
                extensions: extensions,
                into: bytes
            )
            if let original = packets.repeats {
                bytes.storeBytes(of: original.bigEndian, toByteOffset: count, as: UInt16.self)
                count += 2
            }
            return count + packets.train.copy(place, to: UnsafeMutableRawBufferPointer(rebasing: bytes[count...]))
        }
    }
}
