import MPEGTS
import MediaFixtures
import MediaModel
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct TableTests {
    /// As ffmpeg writes it: program 1, map on PID 0x1000.
    private static let association: [UInt8] = [
        0x00, 0xB0, 0x0D, 0x00, 0x01, 0xC1, 0x00, 0x00, 0x00, 0x01, 0xF0, 0x00, 0x2A, 0xB1, 0x04, 0xB2,
    ]

    @Test func `a program association reads and writes as ffmpeg has it`() throws {
        let section = try PSISection(parsing: ByteBuffer(bytes: Self.association))
        let association = ProgramAssociation(section)
        #expect(association.programs == [.init(number: 1, mapPID: PID(0x1000))])
        #expect(association.section(version: 0).encoded().bytes == Self.association)
    }

    @Test func `every damaged bit of a table is noticed`() {
        for bit in 0..<Self.association.count * 8 {
            var damaged = Self.association
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: PSISection.Fault.badChecksum) { try PSISection(parsing: ByteBuffer(bytes: damaged)) }
        }
    }

    @Test func `a program map keeps its streams and their descriptors`() throws {
        let map = ProgramMap(
            clockPID: PID(0x100),
            streams: [
                .init(type: 0x1B, pid: PID(0x100)),
                .init(type: 0x06, pid: PID(0x101), descriptors: [.init(tag: 5, body: ByteBuffer(string: "Opus"))]),
            ]
        )
        let section = try PSISection(parsing: map.section(version: 3).encoded())
        #expect(section.version == 3)
        #expect(ProgramMap(section) == map)
    }

    @Test func `a section is joined from packets, wherever it is cut`() {
        let bytes = Self.association
        for cut in 1..<bytes.count {
            var assembler = SectionAssembler()
            #expect(assembler.append(ByteBuffer(bytes: [0] + bytes[..<cut]), startsUnit: true).isEmpty)
            let found = assembler.append(ByteBuffer(bytes: bytes[cut...] + [0xFF, 0xFF]), startsUnit: false)
            #expect(found.map(\.bytes) == [bytes])
        }
    }

    @Test func `the end of a section may stand in front of the next one`() {
        let bytes = Self.association
        var assembler = SectionAssembler()
        _ = assembler.append(ByteBuffer(bytes: [0] + bytes[..<10]), startsUnit: true)
        let rest = bytes[10...]
        let found = assembler.append(ByteBuffer(bytes: [UInt8(rest.count)] + rest + bytes), startsUnit: true)
        #expect(found.map(\.bytes) == [bytes, bytes])
    }

    @Test func `a damaged table changes nothing and is counted`() throws {
        var packets = try Fixture.h264AAC.packets
        let whole = try Story(packets)
        // Once more in front of the second half, broken.
        var table = packets[1]
        table[20] ^= 0x40
        packets.insert(table, at: packets.count / 2)
        let story = try Story(packets)
        #expect(story.events == whole.events)
        #expect(story.statistics.damagedTables == 1)
    }

    @Test func `another version of the program map takes a track away and brings it back`() throws {
        let fixture = FixtureStream(seed: 1)
        let units = fixture.units(seconds: 6)
        let both = fixture.tracks
        let items: [StreamItem] =
            [.tracks(both)] + units.filter { $0.decodeTime < MediaTime(seconds: 2) }.map(StreamItem.unit)
            + [.tracks([both[0]])]
            + units.filter { $0.track == .video && (2..<4).contains($0.decodeTime.seconds) }.map(StreamItem.unit)
            + [.tracks(both)] + units.filter { $0.decodeTime >= MediaTime(seconds: 4) }.map(StreamItem.unit)
        let story = try Story(muxed(items).map(\.bytes))
        #expect(story.tracks.map { $0.map(\.id) } == [[.video, .audio], [.video], [.video, .audio]])
        #expect(story.units(.video).map(\.payload) == units.filter { $0.track == .video }.map(\.payload))
    }
}
