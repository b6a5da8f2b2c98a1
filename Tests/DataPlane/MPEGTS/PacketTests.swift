import MPEGTS
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct PacketTests {
    private static func packet(_ head: [UInt8], fill: UInt8 = 0xAB) -> ByteBuffer {
        ByteBuffer(bytes: head + [UInt8](repeating: fill, count: 188 - head.count))
    }

    @Test func `a packet tells its PID, counter and payload`() throws {
        let packet = try #require(TSPacket(parsing: Self.packet([0x47, 0x41, 0x02, 0x17])))
        #expect(packet.pid == PID(0x102) && packet.startsUnit && packet.continuityCounter == 7)
        #expect(packet.payload?.readableBytes == 184)
        #expect(!packet.isUnusable && !packet.isDiscontinuous && packet.programClock == nil)
    }

    @Test func `the adaptation field tells clock, random access and discontinuity`() throws {
        // Base 0x1_2345_6789 (33 bits), extension 299.
        let clock: [UInt8] = [0x91, 0xA2, 0xB3, 0xC4, 0xFF, 0x2B]
        let packet = try #require(TSPacket(parsing: Self.packet([0x47, 0x01, 0x00, 0x30, 7, 0xD0] + clock)))
        #expect(packet.isDiscontinuous && packet.isRandomAccess)
        let ticks: Int64 = 0x1_2345_6789 * 300 + 299
        #expect(packet.programClock == ticks)
        #expect(packet.payload?.readableBytes == 188 - 12)
    }

    @Test func `a packet of adaptation alone has no payload`() throws {
        let packet = try #require(TSPacket(parsing: Self.packet([0x47, 0x01, 0x00, 0x25, 183, 0x00])))
        #expect(packet.payload == nil)
    }

    @Test(arguments: [[0x48, 0x01, 0x00, 0x10], [0x47, 0x01, 0x00, 0x30, 184]] as [[UInt8]])
    func `what is not a packet is none`(head: [UInt8]) { #expect(TSPacket(parsing: Self.packet(head)) == nil) }

    @Test(arguments: [[0x47, 0x81, 0x00, 0x10], [0x47, 0x01, 0x00, 0x90]] as [[UInt8]])
    func `broken and scrambled packets are of no use`(head: [UInt8]) throws {
        #expect(try #require(TSPacket(parsing: Self.packet(head))).isUnusable)
    }

    @Test func `packets are found again behind bytes that are none, and behind a false sync byte`() throws {
        let packets = (0..<6).map { Self.packet([0x47, 0x01, 0x00, 0x10 | UInt8($0)]).bytes }
        let noise: [UInt8] = [0, 0x47, 1, 2, 0x47]
        var reader = TSPacketReader()
        reader.append(ByteBuffer(bytes: packets[0] + noise + packets[1...].joined()))
        var found: [[UInt8]] = []
        while let packet = reader.next() { found.append(packet.bytes) }
        #expect(found == packets)
        #expect(reader.resyncCount == 1)
    }

    @Test func `a clock of 33 bits goes on after its end, forwards and backwards`() {
        var clock = TSClock()
        let times = [(1 << 33) - 3600, 0, (1 << 33) - 1800, 3600, 1 << 32, 1, (1 << 33) - 5].map { (stamp: Int) in
            clock.time(of: TSTimestamp(Int64(stamp))).ticks
        }
        let wrap: Int64 = 1 << 33
        #expect(times == [wrap - 3600, wrap, wrap - 1800, wrap + 3600, wrap + (1 << 32), wrap + 1, wrap - 5])
    }
}
