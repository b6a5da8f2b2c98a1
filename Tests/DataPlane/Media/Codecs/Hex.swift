import struct NIOCore.ByteBuffer

/// Test vectors are written in hexadecimal; blanks and line breaks mean nothing.
func hex(_ text: String) -> ByteBuffer {
    let digits = text.compactMap(\.hexDigitValue)
    return ByteBuffer(
        bytes: stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    )
}

/// Every shortening of `bytes`, and every single bit turned over: what a broken publisher may send.
func damaged(_ bytes: ByteBuffer) -> [ByteBuffer] {
    let whole = Array(bytes.readableBytesView)
    let cuts = (0..<whole.count).map { ByteBuffer(bytes: whole[..<$0]) }
    let flips = (0..<whole.count * 8).map { bit in
        var copy = whole
        copy[bit / 8] ^= 0x80 >> UInt8(bit % 8)
        return ByteBuffer(bytes: copy)
    }
    return cuts + flips
}
