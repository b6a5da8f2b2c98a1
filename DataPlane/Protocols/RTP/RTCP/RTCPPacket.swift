import Bytes

package import struct NIOCore.ByteBuffer

/// One RTCP packet. Kinds we have no use for are kept apart by type, so that a compound with one of them still reads.
package enum RTCPPacket: Hashable, Sendable {
    case senderReport(SenderReport)
    case receiverReport(ReceiverReport)
    case sourceDescription(SourceDescription)
    case goodbye(Goodbye)
    case nack(GenericNack)
    case pictureLossIndication(PictureLossIndication)
    case fullIntraRequest(FullIntraRequest)
    case maximumBitrate(ReceiverEstimatedMaximumBitrate)
    case transportFeedback(TransportFeedback)
    case other(type: UInt8, format: UInt8)

    /// The second byte of the header (RFC 3550 §12.1, RFC 4585 §6.1).
    enum TypeCode {
        static let senderReport: UInt8 = 200
        static let receiverReport: UInt8 = 201
        static let sourceDescription: UInt8 = 202
        static let goodbye: UInt8 = 203
        static let transportLayerFeedback: UInt8 = 205
        static let payloadSpecificFeedback: UInt8 = 206
    }

    /// The five bits after the padding flag in feedback packets.
    enum Format {
        static let genericNack: UInt8 = 1
        static let transportFeedback: UInt8 = 15
        static let pictureLossIndication: UInt8 = 1
        static let fullIntraRequest: UInt8 = 4
        static let applicationLayer: UInt8 = 15
    }

    /// The packets of a datagram: a compound (RFC 3550 §6.1) or of reduced size (RFC 5506), which need not begin with a
    /// report.
    package static func parse(_ datagram: ByteBuffer) throws(RTPError) -> [RTCPPacket] {
        var reader = ByteReader(datagram)
        return try RTPError.reading(.rtcp) {
            var packets: [RTCPPacket] = []
            while !reader.isEmpty { packets.append(try next(from: &reader)) }
            return packets
        }
    }

    private static func next(from reader: inout ByteReader) throws -> RTCPPacket {
        let first: UInt8 = try reader.integer()
        guard first >> 6 == 2 else { throw RTPError.malformed(.rtcp, "version \(first >> 6), not 2") }
        let type: UInt8 = try reader.integer()
        var body = try reader.slice(Int(try reader.integer(as: UInt16.self)) * 4)
        if first & 0x20 != 0 {
            guard let padding = body.readableBytesView.last, padding > 0, Int(padding) <= body.readableBytes else {
                throw RTPError.malformed(.rtcp, "padding longer than the packet")
            }
            body = body.getSlice(at: body.readerIndex, length: body.readableBytes - Int(padding)) ?? body
        }
        var fields = ByteReader(body)
        return try Self(type: type, count: first & 0x1F, from: &fields)
    }

    private init(type: UInt8, count: UInt8, from reader: inout ByteReader) throws {
        switch (type, count) {
        case (TypeCode.senderReport, _):
            self = .senderReport(try SenderReport(from: &reader, count: count))
        case (TypeCode.receiverReport, _):
            self = .receiverReport(try ReceiverReport(from: &reader, count: count))
        case (TypeCode.sourceDescription, _):
            self = .sourceDescription(try SourceDescription(from: &reader, count: count))
        case (TypeCode.goodbye, _):
            self = .goodbye(try Goodbye(from: &reader, count: count))
        case (TypeCode.transportLayerFeedback, Format.genericNack):
            self = .nack(try GenericNack(from: &reader))
        case (TypeCode.transportLayerFeedback, Format.transportFeedback):
            self = .transportFeedback(try TransportFeedback(from: &reader))
        case (TypeCode.payloadSpecificFeedback, Format.pictureLossIndication):
            self = .pictureLossIndication(try PictureLossIndication(from: &reader))
        case (TypeCode.payloadSpecificFeedback, Format.fullIntraRequest):
            self = .fullIntraRequest(try FullIntraRequest(from: &reader))
        case (TypeCode.payloadSpecificFeedback, Format.applicationLayer):
            guard let bitrate = try ReceiverEstimatedMaximumBitrate(from: &reader) else { fallthrough }
            self = .maximumBitrate(bitrate)
        default:
            self = .other(type: type, format: count)
        }
    }

    /// `other` has no form of its own and is left out.
    package static func encode(_ packets: [RTCPPacket]) -> ByteBuffer {
        var bytes = ByteBuffer()
        for packet in packets { packet.encode(into: &bytes) }
        return bytes
    }

    package func encode(into bytes: inout ByteBuffer) {
        let start = bytes.writerIndex
        bytes.writeInteger(UInt32(0))
        let (type, count) = encodeBody(into: &bytes)
        guard let type else {
            bytes.moveWriterIndex(to: start)
            return
        }
        // The length counts 32-bit words minus one.
        bytes.setInteger(0x80 | count, at: start)
        bytes.setInteger(type, at: start + 1)
        bytes.setInteger(UInt16((bytes.writerIndex - start) / 4 - 1), at: start + 2)
    }

    private func encodeBody(into bytes: inout ByteBuffer) -> (type: UInt8?, count: UInt8) {
        switch self {
        case .senderReport(let report): return (TypeCode.senderReport, report.encode(into: &bytes))
        case .receiverReport(let report): return (TypeCode.receiverReport, report.encode(into: &bytes))
        case .sourceDescription(let description):
            return (TypeCode.sourceDescription, description.encode(into: &bytes))
        case .goodbye(let goodbye): return (TypeCode.goodbye, goodbye.encode(into: &bytes))
        case .nack(let nack):
            nack.encode(into: &bytes)
            return (TypeCode.transportLayerFeedback, Format.genericNack)
        case .transportFeedback(let feedback):
            feedback.encode(into: &bytes)
            return (TypeCode.transportLayerFeedback, Format.transportFeedback)
        case .pictureLossIndication(let indication):
            indication.encode(into: &bytes)
            return (TypeCode.payloadSpecificFeedback, Format.pictureLossIndication)
        case .fullIntraRequest(let request):
            request.encode(into: &bytes)
            return (TypeCode.payloadSpecificFeedback, Format.fullIntraRequest)
        case .maximumBitrate(let bitrate):
            bitrate.encode(into: &bytes)
            return (TypeCode.payloadSpecificFeedback, Format.applicationLayer)
        case .other: return (nil, 0)
        }
    }
}
