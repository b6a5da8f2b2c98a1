import Bytes
import Codecs

package import struct NIOCore.ByteBuffer

/// H.264 from RTP (RFC 6184): single NAL units, STAP-A and FU-A. The interleaved types are never agreed on.
package struct H264Depacketizer: Depacketizer {
    private var units: NALUnitCollector
    private var hasIDR = false

    package init(limits: DepacketizationLimits = DepacketizationLimits()) {
        units = NALUnitCollector(.h264, limits: limits)
    }

    /// A delimiter or a parameter set stands before every slice of its picture; of slices only first_mb_in_slice 0 tells.
    package func mayBeginFrame(_ payload: ByteBuffer) -> Bool {
        guard let header = payload.getInteger(at: payload.readerIndex, as: UInt8.self) else { return false }
        switch header & 0x1F {
        case H264PayloadType.stapA:
            guard let first = payload.getInteger(at: payload.readerIndex + 3, as: UInt8.self) else { return false }
            return Self.beginsPicture(first & 0x1F, payload.getInteger(at: payload.readerIndex + 4))
        case H264PayloadType.fuA:
            let flags = payload.getInteger(at: payload.readerIndex + 1, as: UInt8.self) ?? 0
            guard flags & 0x80 != 0 else { return false }
            return Self.beginsPicture(flags & 0x1F, payload.getInteger(at: payload.readerIndex + 2))
        case let type: return Self.beginsPicture(type, payload.getInteger(at: payload.readerIndex + 1))
        }
    }

    /// ue(v) 0 is a single set bit.
    private static func beginsPicture(_ type: UInt8, _ next: UInt8?) -> Bool {
        switch type {
        case 6...9: true
        case 1, 2, 5: (next ?? 0) & 0x80 != 0
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
            throw .truncated(.h264)
        }
    }

    private mutating func append(_ payload: ByteBuffer, _ reader: inout ByteReader) throws {
        let header: UInt8 = try reader.integer()
        switch header & 0x1F {
        case 1...23: try add(payload, type: header & 0x1F)
        case H264PayloadType.stapA:
            while !reader.isEmpty {
                let unit = try reader.slice(Int(try reader.integer(as: UInt16.self)))
                guard let type = unit.getInteger(at: unit.readerIndex, as: UInt8.self) else {
                    throw RTPError.malformed(.h264, "an empty NAL unit in a STAP-A")
                }
                try add(unit, type: type & 0x1F)
            }
        case H264PayloadType.fuA: try appendFragment(indicator: header, &reader)
        case let type: throw RTPError.malformed(.h264, "packet type \(type) belongs to no mode we agreed on")
        }
    }

    private mutating func add(_ unit: ByteBuffer, type: UInt8) throws {
        if type == H264NALUnitType.idrSlice.rawValue { hasIDR = true }
        try units.add(unit)
    }

    private mutating func appendFragment(indicator: UInt8, _ reader: inout ByteReader) throws {
        let flags: UInt8 = try reader.integer()
        if flags & 0x1F == H264NALUnitType.idrSlice.rawValue { hasIDR = true }
        try units.add(fragment: reader.rest(), flags: flags, of: indicator & 0xE0 | flags & 0x1F)
    }

    package mutating func finishFrame() throws(RTPError) -> DepacketizedFrame? {
        defer { reset() }
        return try units.finish().map { DepacketizedFrame(payload: $0, isKeyframe: hasIDR) }
    }

    package mutating func reset() {
        units.reset()
        hasIDR = false
    }
}
