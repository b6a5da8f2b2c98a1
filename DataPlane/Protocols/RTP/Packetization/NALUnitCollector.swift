import struct NIOCore.ByteBuffer

/// NAL units behind 4-byte lengths, one of which may still be growing.
struct NALUnitCollector: Sendable {
    private(set) var payload = ByteBuffer()
    private var openStart: Int?
    private let codec: RTPError.Structure
    private let bytesMax: Int

    init(_ codec: RTPError.Structure, limits: DepacketizationLimits) {
        self.codec = codec
        bytesMax = limits.frameBytesMax
    }

    mutating func add(_ unit: ByteBuffer) throws(RTPError) {
        guard openStart == nil else { throw .malformed(codec, "a NAL unit amid the fragments of another") }
        try reserve(4 + unit.readableBytes)
        payload.writeInteger(UInt32(unit.readableBytes))
        payload.writeImmutableBuffer(unit)
    }

    /// A piece of the unit with this header. `flags` begins with S and E (RFC 6184 §5.8, RFC 7798 §4.4.3).
    mutating func add<Header: FixedWidthInteger>(
        fragment: ByteBuffer,
        flags: UInt8,
        of header: Header
    ) throws(RTPError) {
        let isStart = flags & 0x80 != 0
        guard isStart != (openStart != nil) else {
            throw .malformed(codec, isStart ? "a fragment begins amid another" : "a fragment without a begin")
        }
        try reserve(fragment.readableBytes + 4 + MemoryLayout<Header>.size)
        if isStart {
            openStart = payload.writerIndex
            payload.writeInteger(UInt32(0))
            payload.writeInteger(header)
        }
        payload.writeImmutableBuffer(fragment)
        if flags & 0x40 != 0 { end() }
    }

    private mutating func end() {
        guard let start = openStart else { return }
        payload.setInteger(UInt32(payload.writerIndex - start - 4), at: start)
        openStart = nil
    }

    /// The frame's units; nil when there are none.
    mutating func finish() throws(RTPError) -> ByteBuffer? {
        defer { reset() }
        guard openStart == nil else { throw .malformed(codec, "the frame ends amid a fragmented NAL unit") }
        return payload.readableBytes > 0 ? payload : nil
    }

    mutating func reset() {
        payload = ByteBuffer()
        openStart = nil
    }

    private func reserve(_ bytes: Int) throws(RTPError) {
        guard payload.readableBytes + bytes <= bytesMax else { throw .frameTooLarge(bytesMax: bytesMax) }
    }
}
