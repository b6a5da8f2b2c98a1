import Bytes
import Codecs

package import struct NIOCore.ByteBuffer

/// AV1 over RTP (the Alliance for Open Media's "RTP Payload Format For AV1", §4).
///
/// A payload is an aggregation header and OBU elements. OBUs lose their size field: the packet tells their lengths.
package struct AV1Packetizer: Sendable {
    private let limits: PacketizationLimits
    /// From the configuration record, for keyframes that come without.
    private let sequenceHeader: AV1OBU?

    /// Bits of the aggregation header (§4.4).
    enum Flag {
        static let continues: UInt8 = 0x80
        static let willContinue: UInt8 = 0x40
        static let newSequence: UInt8 = 0x08
    }

    /// `configuration` is the `AV1CodecConfigurationRecord`: four bytes, then OBUs.
    package init(configuration: ByteBuffer, limits: PacketizationLimits = PacketizationLimits()) {
        self.limits = limits
        let units = configuration.getSlice(
            at: configuration.readerIndex + 4,
            length: max(0, configuration.readableBytes - 4)
        )
        sequenceHeader = units.flatMap { try? AV1OBU.split($0) }?.first { $0.type == AV1OBU.Kind.sequenceHeader }
    }

    package func packetize(_ unit: ByteBuffer, isKeyframe: Bool) throws(RTPError) -> [RTPPayload] {
        var units = try AV1OBU.split(unit).filter {
            $0.type != AV1OBU.Kind.temporalDelimiter && $0.type != AV1OBU.Kind.tileList
        }
        let hasHeader = units.contains { $0.type == AV1OBU.Kind.sequenceHeader }
        if isKeyframe, !hasHeader, let sequenceHeader { units.insert(sequenceHeader, at: 0) }
        var packets = Packing(bytesMax: limits.payloadBytesMax)
        for unit in units { packets.add(unit.element) }
        packets.closePacket(splitsElement: false)
        return packets.payloads(beginsSequence: isKeyframe)
    }

    /// Elements handed to packets until each is full.
    private struct Packing {
        struct Packet {
            var elements: [ByteBuffer] = []
            var continues = false
            var willContinue = false
        }

        let bytesMax: Int
        private var packets: [Packet] = []
        private var open = Packet()
        private var room: Int

        init(bytesMax: Int) {
            self.bytesMax = bytesMax
            room = bytesMax - 1
        }

        /// An element costs its length field too: two bytes carry up to 16,383.
        private static let lengthBytes = 2

        mutating func add(_ element: ByteBuffer) {
            var rest = element
            while rest.readableBytes > 0 {
                // A fragment of a few bytes is not worth its length field.
                if room < Self.lengthBytes + min(rest.readableBytes, 16) { closePacket(splitsElement: false) }
                let length = min(rest.readableBytes, room - Self.lengthBytes)
                guard let piece = rest.readSlice(length: length) else { return }
                open.elements.append(piece)
                room -= Self.lengthBytes + length
                if rest.readableBytes > 0 { closePacket(splitsElement: true) }
            }
        }

        mutating func closePacket(splitsElement: Bool) {
            guard !open.elements.isEmpty else { return }
            open.willContinue = splitsElement
            packets.append(open)
            open = Packet(continues: splitsElement)
            room = bytesMax - 1
        }

        func payloads(beginsSequence: Bool) -> [RTPPayload] {
            var writer = PayloadWriter(capacity: packets.count * bytesMax)
            for (place, packet) in packets.enumerated() {
                let count = packet.elements.count
                // W: with up to three elements the last one's length is what is left.
                let counted = count <= 3 ? UInt8(count) : 0
                writer.storage.writeInteger(
                    (packet.continues ? Flag.continues : 0) | (packet.willContinue ? Flag.willContinue : 0)
                        | counted << 4 | (place == 0 && beginsSequence ? Flag.newSequence : 0)
                )
                for (number, element) in packet.elements.enumerated() {
                    if counted == 0 || number < count - 1 {
                        AV1OBU.writeLEB128(element.readableBytes, into: &writer.storage)
                    }
                    writer.storage.writeImmutableBuffer(element)
                }
                writer.endPayload()
            }
            return writer.payloads()
        }
    }
}

/// One open bitstream unit (AV1 bitstream specification §5.3).
struct AV1OBU: Hashable, Sendable {
    enum Kind {
        static let sequenceHeader: UInt8 = 1
        static let temporalDelimiter: UInt8 = 2
        static let frameHeader: UInt8 = 3
        static let frame: UInt8 = 6
        static let tileList: UInt8 = 8
    }

    /// With obu_has_size_field as it came.
    var header: UInt8
    var extensionByte: UInt8?
    var payload: ByteBuffer

    private static let hasExtension: UInt8 = 0x04
    private static let hasSize: UInt8 = 0x02

    var type: UInt8 { header >> 3 & 0x0F }

    init(from reader: inout ByteReader) throws {
        header = try reader.integer()
        guard header & 0x80 == 0 else { throw RTPError.malformed(.av1, "obu_forbidden_bit is set") }
        extensionByte = header & Self.hasExtension != 0 ? try reader.integer() : nil
        payload = header & Self.hasSize != 0 ? try reader.slice(try Self.readLEB128(&reader)) : reader.rest()
    }

    static func split(_ units: ByteBuffer) throws(RTPError) -> [AV1OBU] {
        var reader = ByteReader(units)
        return try RTPError.reading(.av1) {
            var found: [AV1OBU] = []
            while !reader.isEmpty { found.append(try AV1OBU(from: &reader)) }
            return found
        }
    }

    /// Without a size field, as a packet carries it.
    var element: ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(2 + payload.readableBytes)
        bytes.writeInteger(header & ~Self.hasSize)
        if let extensionByte { bytes.writeInteger(extensionByte) }
        bytes.writeImmutableBuffer(payload)
        return bytes
    }

    /// With a size field, as an access unit carries it.
    func write(into bytes: inout ByteBuffer) {
        bytes.writeInteger(header | Self.hasSize)
        if let extensionByte { bytes.writeInteger(extensionByte) }
        Self.writeLEB128(payload.readableBytes, into: &bytes)
        bytes.writeImmutableBuffer(payload)
    }

    /// §4.10.5. Eight bytes are allowed; more than 32 bits of value are not.
    static func readLEB128(_ reader: inout ByteReader) throws -> Int {
        var value = 0
        for shift in stride(from: 0, to: 56, by: 7) {
            let byte: UInt8 = try reader.integer()
            value |= Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw RTPError.malformed(.av1, "a length of more than 8 bytes")
    }

    static func writeLEB128(_ value: Int, into bytes: inout ByteBuffer) {
        var rest = value
        while rest >= 0x80 {
            bytes.writeInteger(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.writeInteger(UInt8(rest))
    }
}
