import Bytes
package import MediaModel

package import struct NIOCore.ByteBuffer

/// A note that pictures are to be shown turned: the display orientation SEI message (ITU-T H.264 §D.1.27, H.265 §D.2.17).
package struct DisplayOrientation: Hashable, Sendable {
    package var isFlippedHorizontally: Bool
    package var isFlippedVertically: Bool
    /// Anticlockwise, in 2⁻¹⁶ of a turn.
    package var rotation: UInt16

    package init(isFlippedHorizontally: Bool = false, isFlippedVertically: Bool = false, rotation: UInt16) {
        self.isFlippedHorizontally = isFlippedHorizontally
        self.isFlippedVertically = isFlippedVertically
        self.rotation = rotation
    }

    private static let payloadType = 47
    /// Messages of one unit that are looked at, so that a unit of empty ones costs little.
    private static let messagesMax = 64

    /// What an access unit says; nil when it says nothing, or takes back what was said.
    package init?(in payload: ByteBuffer, of codec: CodecParameters) {
        guard let syntax = Syntax(codec), let units = try? LengthPrefixedNALUnits.split(payload) else { return nil }
        // Behind a slice it says nothing of this picture, and decoders pass it over: ffmpeg's h264_metadata puts some there.
        for unit in units.prefix(while: { !syntax.isSlice($0) }) where syntax.isSupplemental(unit) {
            if let found = Self.find(in: unit, syntax) {
                self = found
                return
            }
        }
        return nil
    }

    /// The access unit with this note in it. Codecs that have no such note stay as they are.
    package func inserted(into payload: ByteBuffer, of codec: CodecParameters) -> ByteBuffer {
        guard let syntax = Syntax(codec), var units = try? LengthPrefixedNALUnits.split(payload) else { return payload }
        // Only a delimiter and parameter sets stand before it.
        let place = units.firstIndex { !syntax.standsBefore($0) } ?? units.count
        units.insert(unit(syntax), at: place)
        return LengthPrefixedNALUnits.join(units)
    }

    private static func find(in unit: ByteBuffer, _ syntax: Syntax) -> Self? {
        var rest = RBSP.unescape(unit, headerBytes: syntax.headerBytes)[...]
        for _ in 0..<messagesMax where rest.count > 1 {
            guard let type = number(&rest), let size = number(&rest), rest.count >= size else { return nil }
            if type == payloadType { return Self(message: Array(rest.prefix(size))) }
            rest = rest.dropFirst(size)
        }
        return nil
    }

    private init?(message: [UInt8]) {
        var bits = BitReader(message)
        guard let isCancelled = try? bits.bit(), !isCancelled, let horizontal = try? bits.bit(),
            let vertical = try? bits.bit(), let rotation = try? bits.bits(16)
        else { return nil }
        self.init(
            isFlippedHorizontally: horizontal,
            isFlippedVertically: vertical,
            rotation: UInt16(truncatingIfNeeded: rotation)
        )
    }

    /// Bytes of 255 each count on (§7.3.2.3.1).
    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var number = 0
        while let byte = bytes.popFirst() {
            number += Int(byte)
            if byte < 0xFF { return number }
        }
        return nil
    }

    /// Three bytes of message hold all: no cancelling, two flips, the rotation, that it lasts (to the next such message or the
    /// sequence's end), and what fills the last byte, so that none can be taken for a start code.
    private func unit(_ syntax: Syntax) -> ByteBuffer {
        var bits: UInt32 = isFlippedHorizontally ? 1 : 0
        bits = bits << 1 | (isFlippedVertically ? 1 : 0)
        bits = bits << 16 | UInt32(rotation)
        bits = bits << 5 | syntax.messageEnd
        var unit = syntax.supplementalHeader
        unit.writeBytes([UInt8(Self.payloadType), 3])
        unit.writeBytes([16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> $0) })
        unit.writeInteger(UInt8(0x80))
        return unit
    }

    private enum Syntax {
        case h264
        case h265

        init?(_ codec: CodecParameters) {
            switch codec {
            case .h264: self = .h264
            case .h265: self = .h265
            case .av1, .vp8, .vp9, .aac, .mp3, .ac3, .opus, .data: return nil
            }
        }

        var headerBytes: Int { self == .h264 ? 1 : 2 }

        /// H.264: a period of 1 (`010`), no extension, a bit that ends. H.265: it persists, a bit that ends, three that fill.
        var messageEnd: UInt32 { self == .h264 ? 0b0_1001 : 0b1_1000 }

        /// SEI of H.264, prefix SEI of H.265.
        var supplementalHeader: ByteBuffer { ByteBuffer(bytes: self == .h264 ? [0x06] : [0x4E, 0x01]) }

        private func type(of unit: ByteBuffer) -> UInt8? {
            unit.getInteger(at: unit.readerIndex, as: UInt8.self).map { self == .h264 ? $0 & 0x1F : $0 >> 1 & 0x3F }
        }

        func isSupplemental(_ unit: ByteBuffer) -> Bool { type(of: unit) == (self == .h264 ? 6 : 39) }

        func isSlice(_ unit: ByteBuffer) -> Bool {
            type(of: unit).map { self == .h264 ? (1...5).contains($0) : $0 < 32 } ?? false
        }

        /// Delimiters and parameter sets.
        func standsBefore(_ unit: ByteBuffer) -> Bool {
            type(of: unit).map { (self == .h264 ? [7, 8, 9] : [32, 33, 34, 35]).contains($0) } ?? false
        }
    }
}
