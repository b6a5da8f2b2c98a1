import Bytes

package import struct NIOCore.ByteBuffer

/// The header extension of a packet as it stands on the wire (RFC 3550 §5.3.1), its elements in either form of RFC 8285.
package struct HeaderExtensionBlock: Hashable, Sendable {
    /// "defined by profile": 0xBEDE for one-byte headers, 0x100X for two-byte headers.
    package var profile: UInt16
    /// A multiple of four bytes.
    package var data: ByteBuffer

    package static let oneByteProfile: UInt16 = 0xBEDE
    package static let twoByteProfile: UInt16 = 0x1000

    /// One extension (RFC 8285 §4.2, §4.3).
    package struct Element: Hashable, Sendable {
        package var id: UInt8
        package var data: ByteBuffer

        package init(id: UInt8, data: ByteBuffer) {
            self.id = id
            self.data = data
        }
    }

    init(from reader: inout ByteReader) throws {
        profile = try reader.integer()
        data = try reader.slice(Int(try reader.integer(as: UInt16.self)) * 4)
    }

    /// One-byte headers where they suffice (ids 1 to 14, 1 to 16 bytes), else two-byte headers. Nil without elements.
    package init?(_ elements: [Element]) {
        guard !elements.isEmpty else { return nil }
        let fitsOneByte = elements.allSatisfy { (1...14).contains($0.id) && (1...16).contains($0.data.readableBytes) }
        profile = fitsOneByte ? Self.oneByteProfile : Self.twoByteProfile
        data = ByteBuffer()
        for element in elements where element.id > 0 && element.data.readableBytes <= 255 {
            let length = UInt8(element.data.readableBytes)
            if fitsOneByte {
                data.writeInteger(element.id << 4 | (length - 1))
            } else {
                data.writeInteger(element.id)
                data.writeInteger(length)
            }
            data.writeImmutableBuffer(element.data)
        }
        data.writeRepeatingByte(0, count: -data.readableBytes & 3)
    }

    func encode(into bytes: inout ByteBuffer) {
        bytes.writeInteger(profile)
        bytes.writeInteger(UInt16(data.readableBytes / 4))
        bytes.writeImmutableBuffer(data)
    }

    /// Nothing for a profile that is not RFC 8285's. What breaks the rules ends the list: the packet itself is sound.
    package var elements: [Element] {
        if profile == Self.oneByteProfile { return oneByteElements }
        return profile & 0xFFF0 == Self.twoByteProfile ? twoByteElements : []
    }

    private var oneByteElements: [Element] {
        var rest = data
        var found: [Element] = []
        while let header = rest.readInteger(as: UInt8.self) {
            if header == 0 { continue }
            // Id 15 is reserved: whoever meets it stops (§4.2).
            guard header >> 4 != 15, let slice = rest.readSlice(length: Int(header & 0x0F) + 1) else { break }
            // A padding byte has neither; id 0 with a length is ignored.
            if header >> 4 != 0 { found.append(Element(id: header >> 4, data: slice)) }
        }
        return found
    }

    private var twoByteElements: [Element] {
        var rest = data
        var found: [Element] = []
        while let id = rest.readInteger(as: UInt8.self) {
            if id == 0 { continue }
            guard let length = rest.readInteger(as: UInt8.self), let slice = rest.readSlice(length: Int(length)) else {
                break
            }
            found.append(Element(id: id, data: slice))
        }
        return found
    }
}
