import Bytes

package import struct NIOCore.ByteBuffer

/// HEVC from RTP (RFC 7798) without DONL.
package struct H265Depacketizer: Depacketizer {
    private var units: NALUnitCollector
    private var hasIRAP = false

    package init(limits: DepacketizationLimits = DepacketizationLimits()) {
        units = NALUnitCollector(.h265, limits: limits)
    }

    package func mayBeginFrame(_ payload: ByteBuffer) -> Bool {
        guard let type = H265NALUnitType.rawType(of: payload) else { return false }
        let start = payload.readerIndex
        switch type {
        case H265PayloadType.aggregation:
            guard let first = payload.getInteger(at: start + 4, as: UInt8.self) else { return false }
            return Self.beginsPicture(first >> 1 & 0x3F, payload.getInteger(at: start + 6))
        case H265PayloadType.fragmentation:
            let flags = payload.getInteger(at: start + 2, as: UInt8.self) ?? 0
            guard flags & 0x80 != 0 else { return false }
            return Self.beginsPicture(flags & 0x3F, payload.getInteger(at: start + 3))
        default: return Self.beginsPicture(type, payload.getInteger(at: start + 2))
        }
    }

    /// A slice tells by its first bit, first_slice_segment_in_pic_flag.
    private static func beginsPicture(_ type: UInt8, _ next: UInt8?) -> Bool {
        switch type {
        case 0...31: (next ?? 0) & 0x80 != 0
        case 32...35, 39: true
        default: false
        }
    }

    package mutating func append(_ payload: ByteBuffer) throws(RTPError) {
        var reader = ByteReader(payload)
        do {
            try append(payload, &reader)
        } catch let error as RTPError {
            throw error
        } catch {
            throw .truncated(.h265)
        }
    }

    private mutating func append(_ payload: ByteBuffer, _ reader: inout ByteReader) throws {
        let header: UInt16 = try reader.integer()
        switch UInt8(header >> 9 & 0x3F) {
        case H265PayloadType.aggregation:
            while !reader.isEmpty { try add(try reader.slice(Int(try reader.integer(as: UInt16.self)))) }
        case H265PayloadType.fragmentation: try appendFragment(header, &reader)
        case 50...: throw RTPError.malformed(.h265, "packet type \(header >> 9 & 0x3F) was not agreed on")
        default: try add(payload)
        }
    }

    private mutating func add(_ unit: ByteBuffer) throws {
        guard let type = H265NALUnitType.rawType(of: unit) else {
            throw RTPError.malformed(.h265, "a NAL unit shorter than its header")
        }
        if H265NALUnitType.isIRAP(type) { hasIRAP = true }
        try units.add(unit)
    }

    private mutating func appendFragment(_ header: UInt16, _ reader: inout ByteReader) throws {
        let flags: UInt8 = try reader.integer()
        if H265NALUnitType.isIRAP(flags & 0x3F) { hasIRAP = true }
        try units.add(fragment: reader.rest(), flags: flags, of: header & 0x81FF | UInt16(flags & 0x3F) << 9)
    }

    package mutating func finishFrame() throws(RTPError) -> DepacketizedFrame? {
        defer { reset() }
        return try units.finish().map { DepacketizedFrame(payload: $0, isKeyframe: hasIRAP) }
    }

    package mutating func reset() {
        units.reset()
        hasIRAP = false
    }
}
