import Bytes

package import struct NIOCore.ByteBuffer

/// Writes the headers of one viewer's stream straight into the datagram: what `RTPPacket.encode` does, without the values
/// in between.
package struct RTPHeaderWriter: Sendable {
    package let ssrc: SSRC
    package let payloadType: PayloadType
    private let ids: HeaderExtensionMap
    private let usesTwoBytes: Bool

    package init(ssrc: SSRC, payloadType: PayloadType, extensions: HeaderExtensionMap) {
        self.ssrc = ssrc
        self.payloadType = payloadType
        ids = extensions
        usesTwoBytes = HeaderExtensionKind.allCases.contains { (extensions.id(of: $0) ?? 0) > 14 }
    }

    package func write(
        marker: Bool,
        sequence: UInt16,
        timestamp: UInt32,
        extensions: HeaderExtensions,
        into bytes: inout ByteBuffer
    ) {
        let start = bytes.writerIndex
        bytes.writeInteger(UInt8(0x80))
        bytes.writeInteger(payloadType.value | (marker ? 0x80 : 0))
        bytes.writeInteger(sequence)
        bytes.writeInteger(timestamp)
        bytes.writeInteger(ssrc.value)
        writeExtensions(extensions, into: &bytes)
        if bytes.writerIndex - start > RTPPacket.fixedHeaderBytes { bytes.setInteger(UInt8(0x90), at: start) }
    }

    private func writeExtensions(_ values: HeaderExtensions, into bytes: inout ByteBuffer) {
        let start = bytes.writerIndex
        bytes.writeInteger(usesTwoBytes ? HeaderExtensionBlock.twoByteProfile : HeaderExtensionBlock.oneByteProfile)
        bytes.writeInteger(UInt16(0))
        if let mid = values.mid, writeHead(.mid, mid.utf8.count, into: &bytes) { bytes.writeString(mid) }
        if let rid = values.rid, writeHead(.rid, rid.utf8.count, into: &bytes) { bytes.writeString(rid) }
        if let rid = values.repairedRid, writeHead(.repairedRid, rid.utf8.count, into: &bytes) {
            bytes.writeString(rid)
        }
        if let time = values.absoluteSendTime, writeHead(.absoluteSendTime, 3, into: &bytes) {
            bytes.writeUInt24(time)
        }
        if let number = values.transportSequence, writeHead(.transportSequence, 2, into: &bytes) {
            bytes.writeInteger(number)
        }
        if let capture = values.absoluteCaptureTime {
            let count = capture.clockOffset == nil ? 8 : 16
            if writeHead(.absoluteCaptureTime, count, into: &bytes) {
                bytes.writeInteger(capture.time.value)
                if let offset = capture.clockOffset { bytes.writeInteger(offset) }
            }
        }
        if let delay = values.playoutDelay, writeHead(.playoutDelay, 3, into: &bytes) {
            bytes.writeUInt24(UInt32(delay.minimum) << 12 | UInt32(delay.maximum))
        }
        let length = bytes.writerIndex - start - 4
        guard length > 0 else { return bytes.moveWriterIndex(to: start) }
        bytes.writeRepeatingByte(0, count: -length & 3)
        bytes.setInteger(UInt16((length + 3) / 4), at: start + 2)
    }

    /// False for a kind that was not agreed on, and for a length the form cannot carry.
    private func writeHead(_ kind: HeaderExtensionKind, _ count: Int, into bytes: inout ByteBuffer) -> Bool {
        guard let id = ids.id(of: kind), (1...(usesTwoBytes ? 255 : 16)).contains(count) else { return false }
        if usesTwoBytes {
            bytes.writeInteger(id)
            bytes.writeInteger(UInt8(count))
        } else {
            bytes.writeInteger(id << 4 | UInt8(count - 1))
        }
        return true
    }
}
