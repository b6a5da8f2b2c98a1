import Bytes

package import struct NIOCore.ByteBuffer

/// What a server needs of an AV1 sequence header OBU (AV1 bitstream specification §5.5).
package struct AV1SequenceHeader: Hashable, Sendable {
    package let profile: UInt8
    /// Of the first operating point.
    package let level: UInt8
    package let isHighTier: Bool
    package let width: Int
    package let height: Int
    /// Nil when the header ends before it.
    package let colour: AV1ColourConfig?

    /// The first sequence header among low-overhead OBUs (§5.3); nil when there is none.
    package init?(inOBUs bytes: ByteBuffer) throws(CodecError) {
        var reader = ByteReader(bytes)
        while !reader.isEmpty {
            let unit = try CodecError.reading(.av1SequenceHeader) { try AV1Unit.next(&reader) }
            guard unit.type == AV1Unit.sequenceHeader else { continue }
            var bits = BitReader(unit.payload)
            self = try CodecError.reading(.av1SequenceHeader) { try Self(from: &bits) }
            return
        }
        return nil
    }

    /// The whole OBU of the first sequence header, with its size field.
    package static func unit(inOBUs bytes: ByteBuffer) throws(CodecError) -> ByteBuffer? {
        var reader = ByteReader(bytes)
        while !reader.isEmpty {
            let start = bytes.readableBytes - reader.count
            let unit = try CodecError.reading(.av1SequenceHeader) { try AV1Unit.next(&reader) }
            let length = bytes.readableBytes - reader.count - start
            guard unit.type == AV1Unit.sequenceHeader else { continue }
            return bytes.getSlice(at: bytes.readerIndex + start, length: length)
        }
        return nil
    }

    private init(from bits: inout BitReader) throws {
        profile = UInt8(try bits.bits(3))
        try bits.skip(1)
        let isReduced = try bits.bit()
        if isReduced {
            (level, isHighTier) = (UInt8(try bits.bits(5)), false)
        } else {
            (level, isHighTier) = try Self.operatingPoints(&bits)
        }
        let widthBits = Int(try bits.bits(4)) + 1
        let heightBits = Int(try bits.bits(4)) + 1
        width = Int(try bits.bits(widthBits)) + 1
        height = Int(try bits.bits(heightBits)) + 1
        colour = try? Self.colour(&bits, profile: profile, isReduced: isReduced)
    }

    /// Level and tier of the first.
    private static func operatingPoints(_ bits: inout BitReader) throws -> (level: UInt8, isHighTier: Bool) {
        var delayBits: Int?
        if try bits.bit() {
            try bits.skip(64)
            if try bits.bit() { _ = try bits.unsignedExpGolomb() }
            if try bits.bit() {
                delayBits = Int(try bits.bits(5)) + 1
                try bits.skip(32 + 5 + 5)
            }
        }
        let hasDisplayDelay = try bits.bit()
        var first: (level: UInt8, isHighTier: Bool)?
        for _ in 0...(try bits.bits(5)) {
            try bits.skip(12)
            let level = UInt8(try bits.bits(5))
            let isHighTier = level > 7 ? try bits.bit() : false
            first = first ?? (level, isHighTier)
            if let delayBits, try bits.bit() { try bits.skip(2 * delayBits + 1) }
            if hasDisplayDelay, try bits.bit() { try bits.skip(4) }
        }
        return first ?? (0, false)
    }

    /// What stands between the picture size and the colours, tool by tool.
    private static func colour(_ bits: inout BitReader, profile: UInt8, isReduced: Bool) throws -> AV1ColourConfig {
        if !isReduced, try bits.bit() { try bits.skip(4 + 3) }
        try bits.skip(3)
        if !isReduced {
            try bits.skip(4)
            let hasOrderHint = try bits.bit()
            if hasOrderHint { try bits.skip(2) }
            let choosesScreenContent = try bits.bit()
            let mayBeScreenContent = choosesScreenContent ? true : try bits.bit()
            if mayBeScreenContent, try !bits.bit() { try bits.skip(1) }
            if hasOrderHint { try bits.skip(3) }
        }
        try bits.skip(3)
        return try AV1ColourConfig(from: &bits, profile: profile)
    }
}
