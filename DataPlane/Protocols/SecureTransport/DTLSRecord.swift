package import struct NIOCore.ByteBuffer

/// Tells whether a datagram can be DTLS 1.0 or 1.2 at all (RFC 6347 §4.1), before a library spends memory on it.
///
/// ```
/// | type 20…25 | version FE FF or FE FD | epoch (2) | sequence (6) | length (2) | fragment |
/// ```
package enum DTLSRecord {
    private static let headerBytes = 13
    private static let contentTypes: ClosedRange<UInt8> = 20...25
    /// DTLS 1.0, which a ClientHello of 1.2 carries too, and 1.2.
    private static let versions: Set<UInt16> = [0xFEFF, 0xFEFD]
    /// 2¹⁴ and what encryption may add (RFC 5246 §6.2.3).
    private static let fragmentBytesMax = (1 << 14) + 2048

    /// Every record's header is one, and their lengths add up to the datagram.
    package static func areWhole(in datagram: ByteBuffer) -> Bool {
        var rest = datagram
        guard rest.readableBytes > 0 else { return false }
        while rest.readableBytes > 0 {
            guard rest.readableBytes >= headerBytes,
                let type = rest.readInteger(as: UInt8.self), contentTypes.contains(type),
                let version = rest.readInteger(as: UInt16.self), versions.contains(version)
            else { return false }
            rest.moveReaderIndex(forwardBy: 8)
            guard let length = rest.readInteger(as: UInt16.self).map(Int.init), length > 0,
                length <= fragmentBytesMax, rest.readSlice(length: length) != nil
            else { return false }
        }
        return true
    }
}
