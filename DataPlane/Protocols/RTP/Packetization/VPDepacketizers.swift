import Bytes

package import struct NIOCore.ByteBuffer

/// VP8 from RTP (RFC 7741 §4.2).
package struct VP8Depacketizer: Depacketizer {
    private var frame = ByteBuffer()
    private let limits: DepacketizationLimits

    package init(limits: DepacketizationLimits = DepacketizationLimits()) { self.limits = limits }

    /// S set and partition 0.
    package func mayBeginFrame(_ payload: ByteBuffer) -> Bool {
        payload.getInteger(at: payload.readerIndex, as: UInt8.self).map { $0 & 0x17 == 0x10 } ?? false
    }

    package mutating func append(_ payload: ByteBuffer) throws(RTPError) {
        var reader = ByteReader(payload)
        try RTPError.reading(.vp8) { try Self.skipDescriptor(&reader) }
        guard !reader.isEmpty else { throw .truncated(.vp8) }
        if frame.readableBytes == 0, !mayBeginFrame(payload) { throw .malformed(.vp8, "a frame without its begin") }
        guard frame.readableBytes + reader.count <= limits.frameBytesMax else {
            throw .frameTooLarge(bytesMax: limits.frameBytesMax)
        }
        frame.writeImmutableBuffer(reader.rest())
    }

    private static func skipDescriptor(_ reader: inout ByteReader) throws {
        let first: UInt8 = try reader.integer()
        guard first & 0x80 != 0 else { return }
        let fields: UInt8 = try reader.integer()
        if fields & 0x80 != 0, try reader.integer(as: UInt8.self) & 0x80 != 0 { try reader.skip(1) }
        if fields & 0x40 != 0 { try reader.skip(1) }
        if fields & 0x30 != 0 { try reader.skip(1) }
    }

    package mutating func finishFrame() throws(RTPError) -> DepacketizedFrame? {
        defer { reset() }
        guard frame.readableBytes > 0 else { return nil }
        return DepacketizedFrame(payload: frame, isKeyframe: VP8FrameHeader.isKeyframe(frame))
    }

    package mutating func reset() { frame = ByteBuffer() }
}

/// VP9 from RTP (RFC 9628 §4.2). The layer frames of one picture are handed out together, lowest first.
package struct VP9Depacketizer: Depacketizer {
    private typealias Flag = VP9Packetizer.Flag

    private var frame = ByteBuffer()
    private let limits: DepacketizationLimits

    package init(limits: DepacketizationLimits = DepacketizationLimits()) { self.limits = limits }

    /// B set, and of the lowest spatial layer: that one is the only one not predicted from another of its picture.
    package func mayBeginFrame(_ payload: ByteBuffer) -> Bool {
        guard let first = payload.getInteger(at: payload.readerIndex, as: UInt8.self), first & Flag.begin != 0 else {
            return false
        }
        guard first & Flag.layerIndices != 0 else { return true }
        var reader = ByteReader(payload)
        guard (try? reader.skip(1)) != nil else { return false }
        guard (try? Self.skipPictureID(flags: first, &reader)) != nil,
            let indices = try? reader.integer(as: UInt8.self)
        else { return false }
        return indices >> 1 & 7 == 0
    }

    package mutating func append(_ payload: ByteBuffer) throws(RTPError) {
        var reader = ByteReader(payload)
        try RTPError.reading(.vp9) { try Self.skipDescriptor(&reader) }
        guard !reader.isEmpty else { throw .truncated(.vp9) }
        if frame.readableBytes == 0, !mayBeginFrame(payload) { throw .malformed(.vp9, "a frame without its begin") }
        guard frame.readableBytes + reader.count <= limits.frameBytesMax else {
            throw .frameTooLarge(bytesMax: limits.frameBytesMax)
        }
        frame.writeImmutableBuffer(reader.rest())
    }

    private static func skipDescriptor(_ reader: inout ByteReader) throws {
        let flags: UInt8 = try reader.integer()
        try skipPictureID(flags: flags, &reader)
        if flags & Flag.layerIndices != 0 { try reader.skip(flags & Flag.flexible != 0 ? 1 : 2) }
        if flags & Flag.flexible != 0, flags & Flag.interPredicted != 0 {
            var references = 1
            while try reader.integer(as: UInt8.self) & 1 != 0 {
                references += 1
                guard references <= 3 else { throw RTPError.malformed(.vp9, "more than three references") }
            }
        }
        if flags & Flag.scalability != 0 { try skipScalability(&reader) }
    }

    private static func skipPictureID(flags: UInt8, _ reader: inout ByteReader) throws {
        if flags & Flag.pictureID != 0, try reader.integer(as: UInt8.self) & 0x80 != 0 { try reader.skip(1) }
    }

    private static func skipScalability(_ reader: inout ByteReader) throws {
        let head: UInt8 = try reader.integer()
        if head & 0x10 != 0 { try reader.skip(4 * (Int(head >> 5) + 1)) }
        guard head & 0x08 != 0 else { return }
        for _ in 0..<(try reader.integer(as: UInt8.self)) {
            try reader.skip(Int(try reader.integer(as: UInt8.self) >> 2 & 3))
        }
    }

    package mutating func finishFrame() throws(RTPError) -> DepacketizedFrame? {
        defer { reset() }
        guard frame.readableBytes > 0 else { return nil }
        return DepacketizedFrame(payload: frame, isKeyframe: VP9FrameHeader(of: frame)?.isKeyframe ?? false)
    }

    package mutating func reset() { frame = ByteBuffer() }
}
