import struct NIOCore.ByteBuffer

/// NAL units behind 4-byte lengths, one of which may still be growing.
struct NALUnitCollector: Sendable {
    private(set) var payload = ByteBuffer()
    private var openStart: Int?
    private let bytesMax: Int

    init(limits: DepacketizationLimits) { bytesMax = limits.frameBytesMax }

    var hasOpenUnit: Bool { openStart != nil }

    mutating func add(_ unit: ByteBuffer) throws(RTPError) {
        try reserve(4 + unit.readableBytes)
        payload.writeInteger(UInt32(unit.readableBytes))
        payload.writeImmutableBuffer(unit)
    }

    /// Begins a unit whose first bytes are `header`, of `headerBytes` bytes.
    mutating func begin<Header: FixedWidthInteger>(header: Header) throws(RTPError) {
        try reserve(4 + MemoryLayout<Header>.size)
        openStart = payload.writerIndex
        payload.writeInteger(UInt32(0))
        payload.writeInteger(header)
    }

    mutating func extend(_ fragment: ByteBuffer) throws(RTPError) {
        try reserve(fragment.readableBytes)
        payload.writeImmutableBuffer(fragment)
    }

    mutating func end() {
        guard let start = openStart else { return }
        payload.setInteger(UInt32(payload.writerIndex - start - 4), at: start)
        openStart = nil
    }

    mutating func take() -> ByteBuffer {
        defer { reset() }
        return payload
    }

    mutating func reset() {
        payload = ByteBuffer()
        openStart = nil
    }

    private func reserve(_ bytes: Int) throws(RTPError) {
        guard payload.readableBytes + bytes <= bytesMax else { throw .frameTooLarge(bytesMax: bytesMax) }
    }
}
