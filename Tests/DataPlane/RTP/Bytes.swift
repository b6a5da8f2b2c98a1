import struct NIOCore.ByteBuffer

extension ByteBuffer {
    /// `80 60 0001`, spaces as you like.
    init(hex text: String) {
        let digits = text.compactMap(\.hexDigitValue).map(UInt8.init)
        self.init(bytes: stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    var bytes: [UInt8] { Array(readableBytesView) }
}
