import Bytes

package import struct NIOCore.ByteBuffer

/// AV1 from RTP: OBU elements become OBUs with size fields again.
package struct AV1Depacketizer: Depacketizer {
    private var units = ByteBuffer()
    private var open: ByteBuffer?
    private var hasSequenceHeader = false
    private let limits: DepacketizationLimits

    package init(limits: DepacketizationLimits = DepacketizationLimits()) { self.limits = limits }

    /// Not the rest of an OBU. Whether a frame begins or goes on with a new OBU, no header tells but that of a new sequence.
    package func mayBeginFrame(_ payload: ByteBuffer) -> Bool {
        guard let header = payload.getInteger(at: payload.readerIndex, as: UInt8.self) else { return false }
        return header & AV1Packetizer.Flag.newSequence != 0 && header & AV1Packetizer.Flag.continues == 0
    }

    package mutating func append(_ payload: ByteBuffer) throws(RTPError) {
        var reader = ByteReader(payload)
        do {
            try append(&reader)
        } catch let error as RTPError {
            throw error
        } catch {
            throw .truncated(.av1)
        }
    }

    private mutating func append(_ reader: inout ByteReader) throws {
        let header: UInt8 = try reader.integer()
        guard (header & AV1Packetizer.Flag.continues != 0) == (open != nil) else {
            throw RTPError.malformed(.av1, open == nil ? "an OBU without its begin" : "an OBU without its end")
        }
        let elements = try Self.elements(count: Int(header >> 4 & 3), &reader)
        for (number, element) in elements.enumerated() {
            var bytes = open ?? ByteBuffer()
            open = nil
            guard units.readableBytes + bytes.readableBytes + element.readableBytes <= limits.frameBytesMax else {
                throw RTPError.frameTooLarge(bytesMax: limits.frameBytesMax)
            }
            bytes.writeImmutableBuffer(element)
            if number == elements.count - 1, header & AV1Packetizer.Flag.willContinue != 0 {
                open = bytes
            } else {
                try add(bytes)
            }
        }
    }

    /// §4.4: W 0 says that every element has a length.
    private static func elements(count: Int, _ reader: inout ByteReader) throws -> [ByteBuffer] {
        var elements: [ByteBuffer] = []
        while !reader.isEmpty {
            guard elements.count < 64 else { throw RTPError.malformed(.av1, "more than 64 OBUs in a packet") }
            let isLast = count > 0 && elements.count == count - 1
            elements.append(isLast ? reader.rest() : try reader.slice(try AV1OBU.readLEB128(&reader)))
        }
        guard !elements.isEmpty, count == 0 || elements.count == count else {
            throw RTPError.malformed(.av1, "fewer OBU elements than W says")
        }
        return elements
    }

    private mutating func add(_ element: ByteBuffer) throws {
        guard element.readableBytes > 0 else { return }
        var reader = ByteReader(element)
        let unit = try AV1OBU(from: &reader)
        switch unit.type {
        case AV1OBU.Kind.temporalDelimiter, AV1OBU.Kind.tileList: return
        case AV1OBU.Kind.sequenceHeader: hasSequenceHeader = true
        default: break
        }
        unit.write(into: &units)
    }

    /// A temporal unit with a sequence header begins with a keyframe (AV1 specification §7.5).
    package mutating func finishFrame() throws(RTPError) -> DepacketizedFrame? {
        defer { reset() }
        guard open == nil else { throw .malformed(.av1, "the frame ends amid an OBU") }
        guard units.readableBytes > 0 else { return nil }
        return DepacketizedFrame(payload: units, isKeyframe: hasSequenceHeader)
    }

    package mutating func reset() {
        units = ByteBuffer()
        open = nil
        hasSequenceHeader = false
    }
}
