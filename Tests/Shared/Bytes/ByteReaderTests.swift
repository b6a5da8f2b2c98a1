import Bytes
import NIOCore
import Testing

@Suite struct ByteReaderTests {
    private typealias Underflow = ByteReader.Underflow

    @Test func `fields are read in order, big-endian unless said otherwise`() throws {
        var reader = ByteReader(ByteBuffer(bytes: [1, 2, 3, 4, 5, 6, 7, 8, 0x41, 0xFF, 9]))
        #expect(try reader.integer(as: UInt16.self) == 0x0102)
        #expect(try reader.uint24() == 0x030405)
        #expect(try reader.littleEndian(as: UInt16.self) == 0x0706)
        try reader.skip(1)
        #expect(try reader.string(2) == "A\u{FFFD}")
        #expect(reader.rest() == ByteBuffer(bytes: [9]))
        #expect(reader.isEmpty)
    }

    @Test func `a read past the end throws and takes nothing`() throws {
        var reader = ByteReader(ByteBuffer(bytes: [1, 2]))
        #expect(throws: Underflow()) { try reader.uint24() }
        #expect(throws: Underflow()) { try reader.integer(as: UInt32.self) }
        #expect(throws: Underflow()) { try reader.double() }
        #expect(throws: Underflow()) { try reader.slice(3) }
        #expect(throws: Underflow()) { try reader.string(3) }
        #expect(throws: Underflow()) { try reader.skip(3) }
        #expect(reader.count == 2)
    }

    @Test func `a negative length throws`() {
        var reader = ByteReader(ByteBuffer(bytes: [1, 2]))
        #expect(throws: Underflow()) { try reader.slice(-1) }
        #expect(throws: Underflow()) { try reader.string(-1) }
        #expect(throws: Underflow()) { try reader.skip(-1) }
    }

    @Test func `reading leaves the buffer it was made of alone`() throws {
        let buffer = ByteBuffer(bytes: [1, 2, 3])
        var reader = ByteReader(buffer)
        _ = try reader.slice(2)
        #expect(buffer.readableBytes == 3)
    }

    @Test func `24 bits and four-character codes are written as they are read`() throws {
        var buffer = ByteBuffer()
        buffer.writeUInt24(0xFF01_0203)
        buffer.writeFourCC("moof")
        var reader = ByteReader(buffer)
        #expect(try reader.uint24() == 0x010203)
        let code = FourCC(try reader.integer())
        #expect(code == "moof")
        #expect(code.description == "moof")
    }
}

@Suite struct BitReaderTests {
    @Test func `bits are read from the most significant down, across bytes`() throws {
        var reader = BitReader([0b1010_0101, 0b1100_0011, 0xFF, 0xFF, 0xFF])
        #expect(try reader.bit())
        #expect(try reader.bits(3) == 0b010)
        #expect(try reader.bits(0) == 0)
        #expect(try reader.bits(8) == 0b0101_1100)
        try reader.skip(4)
        #expect(try reader.bits(24) == 0xFF_FFFF)
        #expect(reader.bitsLeft == 0)
        #expect(throws: BitReader.Underflow()) { try reader.bit() }
    }

    // H.264 §9.1, tables 9-1 to 9-3.
    private static let codes: [(bits: [UInt8], unsigned: UInt32, signed: Int32)] = [
        ([0b1000_0000], 0, 0), ([0b0100_0000], 1, 1), ([0b0110_0000], 2, -1), ([0b0010_0000], 3, 2),
        ([0b0010_1000], 4, -2), ([0b0011_1000], 6, -3), ([0b0001_0000], 7, 4),
        // The longest: 31 zeros, a one and 31 ones.
        ([0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFE], UInt32.max - 1, -Int32.max),
    ]

    @Test(arguments: codes)
    func `Exp-Golomb codes are those of the specification`(bits: [UInt8], unsigned: UInt32, signed: Int32) throws {
        var reader = BitReader(bits)
        #expect(try reader.unsignedExpGolomb() == unsigned)
        reader = BitReader(bits)
        #expect(try reader.signedExpGolomb() == signed)
    }

    private static let broken: [[UInt8]] = [[], [0], [0b0001_0000 >> 1], [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]]

    @Test(arguments: broken)
    func `a code that ends early or is too long throws`(bits: [UInt8]) {
        var reader = BitReader(bits)
        #expect(throws: BitReader.Underflow()) { try reader.unsignedExpGolomb() }
    }

    @Test func `skipping past the end or back throws`() {
        var reader = BitReader([0xFF])
        #expect(throws: BitReader.Underflow()) { try reader.skip(9) }
        #expect(throws: BitReader.Underflow()) { try reader.skip(-1) }
        #expect(throws: BitReader.Underflow()) { try reader.bits(9) }
        #expect(reader.bitsLeft == 8)
    }
}
