import Bytes

package import struct NIOCore.ByteBuffer

/// `VPCodecConfigurationRecord` (VP Codec ISO Media File Format Binding §2.2), the content of the `vpcC` box.
package struct VPConfiguration: Hashable, Sendable {
    package var profile: UInt8
    /// Times ten; 0 when nobody has said it.
    package var level: UInt8
    package var bitDepth: UInt8 = 8
    /// 1 is 4:2:0.
    package var chromaSubsampling: UInt8 = 1
    package var isFullRange = false

    package init(profile: UInt8, level: UInt8 = 0) {
        self.profile = profile
        self.level = level
    }

    package init(parsing bytes: ByteBuffer) throws(CodecError) {
        var reader = ByteReader(bytes)
        let fields = try CodecError.reading(.vpConfiguration) {
            let head = (
                profile: try reader.integer(as: UInt8.self), level: try reader.integer(as: UInt8.self),
                format: try reader.integer(as: UInt8.self)
            )
            try reader.skip(5)
            return head
        }
        (profile, level) = (fields.profile, fields.level)
        bitDepth = fields.format >> 4
        chromaSubsampling = fields.format >> 1 & 7
        isFullRange = fields.format & 1 != 0
    }

    package func encoded() -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeBytes([profile, level, bitDepth << 4 | chromaSubsampling << 1 | (isFullRange ? 1 : 0)])
        // Primaries, transfer and matrix unspecified (ISO/IEC 23091-2), then a size of initialization data that is always 0.
        bytes.writeBytes([2, 2, 2, 0, 0])
        return bytes
    }

    /// Ibid. §4: the level may not be left out; 1.0 claims the least.
    package var vp9CodecString: String {
        "vp09." + [profile, max(level, 10), bitDepth].map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ".")
    }
}
