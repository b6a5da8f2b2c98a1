package import Bytes

package import struct NIOCore.ByteBuffer

extension ByteBuffer {
    /// A box (ISO/IEC 14496-12 §4.2) with what `body` writes inside. Its size is filled in afterwards.
    package mutating func writeBox(_ type: FourCC, _ body: (inout ByteBuffer) -> Void) {
        let start = writerIndex
        writeInteger(UInt32(0))
        writeFourCC(type)
        body(&self)
        setInteger(UInt32(writerIndex - start), at: start)
    }

    package mutating func writeFullBox(
        _ type: FourCC,
        version: UInt8 = 0,
        flags: UInt32 = 0,
        _ body: (inout ByteBuffer) -> Void
    ) {
        writeBox(type) { box in
            box.writeInteger(version)
            box.writeUInt24(flags)
            body(&box)
        }
    }

    mutating func writeZeros(_ count: Int) { writeRepeatingByte(0, count: count) }

    /// The unity matrix of `mvhd` and `tkhd`, 16.16 and 2.30 fixed point.
    mutating func writeUnityMatrix() {
        for value: UInt32 in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] { writeInteger(value) }
    }
}
