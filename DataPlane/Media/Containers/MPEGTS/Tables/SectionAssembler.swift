package import struct NIOCore.ByteBuffer

/// Joins the payloads of one PID to sections (ISO/IEC 13818-1 §2.4.4.2). A missing packet shows by the section's checksum.
package struct SectionAssembler: Sendable {
    private static let headBytes = 3
    private static let stuffing: UInt8 = 0xFF

    /// Nil until a section has begun.
    private var bytes: ByteBuffer?

    package init() {}

    package mutating func append(_ payload: ByteBuffer, startsUnit: Bool) -> [ByteBuffer] {
        var payload = payload
        guard startsUnit else {
            bytes?.writeImmutableBuffer(payload)
            return takeSections()
        }
        guard let pointer = payload.readInteger(as: UInt8.self), let end = payload.readSlice(length: Int(pointer))
        else {
            bytes = nil
            return []
        }
        bytes?.writeImmutableBuffer(end)
        let finished = takeSections()
        bytes = ByteBuffer()
        bytes?.writeImmutableBuffer(payload)
        return finished + takeSections()
    }

    private mutating func takeSections() -> [ByteBuffer] {
        var sections: [ByteBuffer] = []
        while var rest = bytes, rest.readableBytes >= Self.headBytes {
            let start = rest.readerIndex
            guard rest.getInteger(at: start, as: UInt8.self) != Self.stuffing,
                let length = rest.getInteger(at: start + 1, as: UInt16.self)
            else {
                bytes = nil
                break
            }
            let size = Self.headBytes + Int(length & 0xFFF)
            guard size <= PSISection.byteCountMax else {
                bytes = nil
                break
            }
            guard let section = rest.readSlice(length: size) else { break }
            sections.append(section)
            bytes = rest
        }
        return sections
    }
}
