import MediaModel
import Timebase

/// Writes the headers of one viewer's stream straight into the datagram: what `RTPPacket.encode` does, without the values
/// in between and without a look at the buffer for each of them.
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

    /// What `write` takes at most.
    package func bytesMax(_ extensions: HeaderExtensions) -> Int {
        // The fixed header, that of the extensions with their padding, then each number behind its own: 3, 2, 16 and 3 bytes.
        let fixed = RTPPacket.fixedHeaderBytes + 4 + 3 + 5 + 4 + 18 + 5
        let names = [extensions.mid, extensions.rid, extensions.repairedRid]
        return names.reduce(fixed) { $0 + ($1.map { $0.utf8.count + 2 } ?? 0) }
    }

    /// Returns the length of the header.
    package func write(
        marker: Bool,
        sequence: UInt16,
        timestamp: UInt32,
        extensions: HeaderExtensions,
        into bytes: UnsafeMutableRawBufferPointer
    ) -> Int {
        var writer = RawWriter(bytes)
        writer.write(UInt8(0x80))
        writer.write(payloadType.value | (marker ? 0x80 : 0))
        writer.write(sequence)
        writer.write(timestamp)
        writer.write(ssrc.value)
        write(extensions, with: &writer)
        if writer.count > RTPPacket.fixedHeaderBytes { bytes[0] = 0x90 }
        return writer.count
    }

    private func write(_ values: HeaderExtensions, with writer: inout RawWriter) {
        let start = writer.count
        writer.write(usesTwoBytes ? HeaderExtensionBlock.twoByteProfile : HeaderExtensionBlock.oneByteProfile)
        writer.write(UInt16(0))
        write(values.mid, .mid, with: &writer)
        write(values.rid, .rid, with: &writer)
        write(values.repairedRid, .repairedRid, with: &writer)
        if let time = values.absoluteSendTime, writeHead(.absoluteSendTime, 3, with: &writer) {
            writer.write(uint24: time)
        }
        if let number = values.transportSequence, writeHead(.transportSequence, 2, with: &writer) {
            writer.write(number)
        }
        if let capture = values.absoluteCaptureTime {
            let count = capture.clockOffset == nil ? 8 : 16
            if writeHead(.absoluteCaptureTime, count, with: &writer) {
                writer.write(capture.time.value)
                if let offset = capture.clockOffset { writer.write(offset) }
            }
        }
        if let delay = values.playoutDelay, writeHead(.playoutDelay, 3, with: &writer) {
            writer.write(uint24: UInt32(delay.minimum) << 12 | UInt32(delay.maximum))
        }
        let length = writer.count - start - 4
        guard length > 0 else { return writer.count = start }
        for _ in 0..<(-length & 3) { writer.write(UInt8(0)) }
        writer.set(UInt16((length + 3) / 4), at: start + 2)
    }

    private func write(_ name: String?, _ kind: HeaderExtensionKind, with writer: inout RawWriter) {
        guard let name, writeHead(kind, name.utf8.count, with: &writer) else { return }
        for byte in name.utf8 { writer.write(byte) }
    }

    /// False for a kind that was not agreed on, and for a length the form cannot carry.
    private func writeHead(_ kind: HeaderExtensionKind, _ count: Int, with writer: inout RawWriter) -> Bool {
        guard let id = ids.id(of: kind), (1...(usesTwoBytes ? 255 : 16)).contains(count) else { return false }
        if usesTwoBytes {
            writer.write(id)
            writer.write(UInt8(count))
        } else {
            writer.write(id << 4 | UInt8(count - 1))
        }
        return true
    }
}

/// Numbers one after the other, most significant byte first. Who makes it has seen to it that there is room.
private struct RawWriter {
    private let bytes: UnsafeMutableRawBufferPointer
    var count = 0

    init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    mutating func write<Number: FixedWidthInteger>(_ number: Number) {
        set(number, at: count)
        count += MemoryLayout<Number>.size
    }

    mutating func write(uint24 number: UInt32) {
        write(UInt8(truncatingIfNeeded: number >> 16))
        write(UInt16(truncatingIfNeeded: number))
    }

    func set<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
        bytes.storeBytes(of: number.bigEndian, toByteOffset: place, as: Number.self)
    }
}
