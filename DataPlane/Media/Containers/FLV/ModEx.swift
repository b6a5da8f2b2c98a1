import Bytes

/// Skips the modifier extensions that Enhanced RTMP v2 allows before the packet type proper (ModEx).
///
///     | size − 1, 8 bits; 255 means a 16-bit size − 1 follows | data | modifier type 4 | next packet type 4 |
///
/// The one modifier defined, a nanosecond offset to the timestamp, is finer than the stream's own timescale.
func packetTypeAfterModEx(_ reader: inout ByteReader) throws(ByteReader.Underflow) -> UInt8 {
    let modEx: UInt8 = 7
    var packetType = modEx
    while packetType == modEx {
        var size = Int(try reader.integer(as: UInt8.self)) + 1
        if size == 256 { size = Int(try reader.integer(as: UInt16.self)) + 1 }
        try reader.skip(size)
        packetType = try reader.integer(as: UInt8.self) & 0x0F
    }
    return packetType
}
