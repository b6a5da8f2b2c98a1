import Bytes
package import Codecs

package import struct NIOCore.ByteBuffer

/// VP9 over RTP (RFC 9628 §4.2), one spatial and one temporal layer.
///
/// Flexible mode: browsers drop pictures of the other mode that come without a layer frame's TL0PICIDX. Each picture names
/// the one before it as its reference, which is true of a stream in decoding order as far as a receiver can act on it.
package struct VP9Packetizer: Sendable {
    private var pictureID: UInt16 = 0
    private let limits: PacketizationLimits

    enum Flag {
        static let pictureID: UInt8 = 0x80
        static let interPredicted: UInt8 = 0x40
        static let layerIndices: UInt8 = 0x20
        static let flexible: UInt8 = 0x10
        static let begin: UInt8 = 0x08
        static let end: UInt8 = 0x04
        static let scalability: UInt8 = 0x02
    }

    package init(limits: PacketizationLimits = PacketizationLimits()) { self.limits = limits }

    package mutating func packetize(_ frame: ByteBuffer) -> [RTPPayload] {
        let header = VP9FrameHeader(of: frame)
        let isKeyframe = header?.isKeyframe ?? false
        var rest = frame
        var writer = PayloadWriter(capacity: frame.readableBytes + frame.readableBytes / 128 + 64)
        var isStart = true
        while rest.readableBytes > 0 {
            let size = isStart && isKeyframe ? header?.pictureSize : nil
            let descriptorBytes = 3 + (isKeyframe ? 0 : 1) + (size == nil ? 0 : 5)
            let length = min(rest.readableBytes, limits.payloadBytesMax - descriptorBytes)
            guard let piece = rest.readSlice(length: length) else { break }
            writer.storage.writeInteger(
                Flag.pictureID | Flag.flexible | (isKeyframe ? 0 : Flag.interPredicted) | (isStart ? Flag.begin : 0)
                    | (rest.readableBytes == 0 ? Flag.end : 0) | (size == nil ? 0 : Flag.scalability)
            )
            writer.storage.writeInteger(0x8000 | pictureID)
            // P_DIFF 1, and no further reference.
            if !isKeyframe { writer.storage.writeInteger(UInt8(1 << 1)) }
            if let size { Self.writeScalability(size, into: &writer.storage) }
            writer.storage.writeImmutableBuffer(piece)
            writer.endPayload()
            isStart = false
        }
        pictureID = (pictureID + 1) & 0x7FFF
        return writer.payloads()
    }

    /// §4.2.1: one spatial layer (N_S 0) with its size (Y), no group of pictures.
    private static func writeScalability(_ size: (width: Int, height: Int), into storage: inout ByteBuffer) {
        storage.writeInteger(UInt8(0x10))
        storage.writeInteger(UInt16(clamping: size.width))
        storage.writeInteger(UInt16(clamping: size.height))
    }
}

/// The begin of a VP9 frame's uncompressed header (VP9 bitstream specification §6.2).
package struct VP9FrameHeader: Hashable, Sendable {
    package private(set) var profile: UInt8 = 0
    package private(set) var isKeyframe = false
    /// Of a keyframe: what MP4 and Enhanced RTMP store.
    package private(set) var configuration: VPConfiguration?
    private var width = 0
    private var height = 0

    /// Of a keyframe.
    package var pictureSize: (width: Int, height: Int)? { width > 0 ? (width, height) : nil }

    package init?(of frame: ByteBuffer) {
        guard let head = frame.getSlice(at: frame.readerIndex, length: min(frame.readableBytes, 16)) else { return nil }
        var bits = BitReader(head)
        guard (try? read(&bits)) == true else { return nil }
    }

    /// False when it is no VP9.
    private mutating func read(_ bits: inout BitReader) throws -> Bool {
        guard try bits.bits(2) == 2 else { return false }
        let low = try bits.bits(1)
        profile = UInt8(try bits.bits(1) << 1 | low)
        if profile == 3 { try bits.skip(1) }
        // show_existing_frame
        if try bits.bit() { return true }
        isKeyframe = try !bits.bit()
        try bits.skip(2)
        guard isKeyframe else { return true }
        guard try bits.bits(24) == 0x49_8342 else { return false }
        configuration = try colours(&bits)
        width = Int(try bits.bits(16)) + 1
        height = Int(try bits.bits(16)) + 1
        return true
    }

    /// §7.2.2, in the record's values: 4:2:0 is 1, 4:2:2 is 2, 4:4:4 is 3.
    private func colours(_ bits: inout BitReader) throws -> VPConfiguration {
        var configuration = VPConfiguration(profile: profile)
        if profile >= 2 { configuration.bitDepth = try bits.bit() ? 12 : 10 }
        let sRGB: UInt32 = 7
        if try bits.bits(3) != sRGB {
            configuration.isFullRange = try bits.bit()
            guard profile & 1 == 1 else { return configuration }
            let (isHalfWide, isHalfHigh) = (try bits.bit(), try bits.bit())
            configuration.chromaSubsampling = isHalfWide ? (isHalfHigh ? 1 : 2) : 3
            try bits.skip(1)
        } else {
            configuration.isFullRange = true
            configuration.chromaSubsampling = 3
            if profile & 1 == 1 { try bits.skip(1) }
        }
        return configuration
    }
}
