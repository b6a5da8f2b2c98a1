package import Bytes

package import struct NIOCore.ByteBuffer

/// A box read back. Strict: sizes must fill their parent exactly; 64-bit sizes and "to the end" are refused, as we never
/// write them.
package struct Box: Hashable, Sendable {
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case truncated(FourCC)
        case sizeTooSmall(FourCC, UInt32)
        case trailingBytes(Int)

        package var description: String {
            switch self {
            case .truncated(let type): "box '\(type)' is longer than what holds it; the file was cut short"
            case .sizeTooSmall(let type, let size): "box '\(type)' claims \(size) bytes, fewer than its header has"
            case .trailingBytes(let count): "\(count) bytes after the last box are no box"
            }
        }
    }

    package let type: FourCC
    /// From the first byte of the outermost buffer to the first byte of this box.
    package let offset: Int
    package let payload: ByteBuffer

    package static func parse(_ bytes: ByteBuffer, at base: Int = 0) throws(Failure) -> [Box] {
        var rest = bytes
        var boxes: [Box] = []
        while rest.readableBytes > 0 {
            let offset = base + bytes.readableBytes - rest.readableBytes
            guard let (size, code) = rest.readMultipleIntegers(as: (UInt32, UInt32).self) else {
                throw .trailingBytes(rest.readableBytes)
            }
            guard size >= 8 else { throw .sizeTooSmall(FourCC(code), size) }
            guard let payload = rest.readSlice(length: Int(size) - 8) else { throw .truncated(FourCC(code)) }
            boxes.append(Box(type: FourCC(code), offset: offset, payload: payload))
        }
        return boxes
    }

    /// The boxes inside, after `skipping` bytes of fields.
    package func children(skipping fields: Int = 0) throws(Failure) -> [Box] {
        guard let inner = payload.getSlice(at: payload.readerIndex + fields, length: payload.readableBytes - fields)
        else {
            throw .truncated(type)
        }
        return try Self.parse(inner, at: offset + 8 + fields)
    }
}
