import MediaModel
import Relay
import Testing

import struct NIOCore.ByteBuffer

@Suite struct RelayFrameTests {
    static let limits = RelayLimits()

    static func frames(in pieces: [ByteBuffer]) throws(RelayError) -> [RelayFrame] {
        var reader = RelayFrameReader()
        var frames: [RelayFrame] = []
        for piece in pieces {
            reader.append(piece)
            while let frame = try reader.next(bytesMax: limits.parentFrameBytesMax, limits: limits) {
                frames.append(frame)
            }
        }
        return frames
    }

    @Test(arguments: RelayVector.all)
    func `A frame is written as its vector`(vector: RelayVector) {
        #expect(vector.frame.encoded == vector.bytes)
    }

    @Test(arguments: RelayVector.all)
    func `A vector is read as its frame`(vector: RelayVector) throws {
        #expect(try Self.frames(in: [vector.bytes]) == [vector.frame])
    }

    @Test func `Frames are the same wherever the bytes are cut`() throws {
        var whole = ByteBuffer()
        for vector in RelayVector.all { whole.writeImmutableBuffer(vector.bytes) }
        let bytes = Array(whole.readableBytesView)
        let expected = RelayVector.all.map(\.frame)
        for cut in 1..<bytes.count {
            let pieces = [ByteBuffer(bytes: bytes[..<cut]), ByteBuffer(bytes: bytes[cut...])]
            #expect(try Self.frames(in: pieces) == expected, "cut at \(cut)")
        }
        #expect(try Self.frames(in: bytes.map { ByteBuffer(bytes: [$0]) }) == expected)
    }

    /// Each piece ends one frame and begins the next, so the reader is never empty.
    @Test func `A peer that always leaves a frame begun does not make the reader grow`() throws {
        let frame = Array(RelayFrame.objectRequest(id: 1, name: "abc").encoded.readableBytesView)
        let piece = ByteBuffer(bytes: frame.dropFirst(3) + frame.prefix(3))
        var reader = RelayFrameReader()
        reader.append(ByteBuffer(bytes: frame.prefix(3)))
        for _ in 0..<10_000 {
            reader.append(piece)
            #expect(try reader.next(bytesMax: 100, limits: Self.limits) != nil)
            #expect(try reader.next(bytesMax: 100, limits: Self.limits) == nil)
        }
        #expect(reader.heldBytes <= 1024)
    }

    @Test(arguments: RelayVector.all)
    func `A frame shortened anywhere inside is refused or is another frame, and does not crash`(vector: RelayVector) {
        let payload = Array(vector.bytes.readableBytesView.dropFirst(RelayFrame.headerLength))
        let type = vector.bytes.getInteger(at: vector.bytes.readerIndex, as: UInt8.self) ?? 0
        for count in 0..<payload.count {
            let short = ByteBuffer(bytes: payload[..<count])
            guard let frame = try? RelayFrame(type: type, payload: short, limits: Self.limits) else { continue }
            #expect(frame != vector.frame)
        }
    }

    @Test(arguments: RelayVector.all.filter { !$0.endsInPayload })
    func `A frame with a byte too many is refused`(vector: RelayVector) throws {
        var payload = vector.bytes
        let header = payload.readMultipleIntegers(as: (UInt8, UInt32).self)
        let type = try #require(header).0
        payload.writeInteger(UInt8(0))
        #expect(throws: RelayError.malformedFrame(type: type)) {
            try RelayFrame(type: type, payload: payload, limits: Self.limits)
        }
    }

    @Test(arguments: [RelayVector.unit.payload, ByteBuffer()])
    func `The shared wire form is what a child reads`(payload: ByteBuffer) throws {
        var unit = RelayVector.unit
        unit.payload = payload
        let items: [StreamItem] = [.tracks(RelayVector.everyCodec), .cut(RelayVector.cut), .unit(unit)]
        for item in items {
            let frames = try Self.frames(in: RelayWireForm.pieces(for: item))
            #expect(frames == [.item(item)])
        }
    }

    @Test func `A refusal code of a later version is still a refusal`() throws {
        let frame = try RelayFrame(type: 0x11, payload: hex("63 0000"), limits: Self.limits)
        #expect(frame == .refuse(RelayRefusal(.unavailable, "")))
    }

    struct Hostile: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: ByteBuffer
        var error: RelayError
        var testDescription: String { name }

        init(_ name: String, _ bytes: String, _ error: RelayError) {
            (self.name, self.bytes, self.error) = (name, hex(bytes), error)
        }
    }

    static let longName = String(repeating: "61", count: 257)
    static let track = "01 07 00000000 00000000 00000000"

    @Test(arguments: [
        Hostile("a length above the limit", "13 FFFFFFFF", .frameTooLong(bytes: 0xFFFF_FFFF, limit: (16 << 20) + 64)),
        Hostile("an unknown type", "7F 00000000", .unknownFrame(type: 0x7F)),
        Hostile("HTTP on the relay port", "01 00000008 47455420 2F204854", .notARelay),
        Hostile("a name over 256 bytes", "02 00000107 00000001 0101 \(longName)", .textTooLong(bytes: 257, limit: 256)),
        Hostile("a name longer than its frame", "02 00000006 00000001 0005", .malformedFrame(type: 2)),
        Hostile("65 tracks", "12 00000001 41", .tooManyTracks(limit: 64)),
        Hostile("two tracks of one id", "12 0000001D 02 \(track) \(track)", .duplicateTrack),
        Hostile("a codec of later times", "12 0000000F 01 01 63 00000000 00000000 00000000", .unknownCodec(0x63)),
        Hostile(
            "a configuration longer than its frame",
            "12 0000000F 01 01 01 00000000 00000000 FFFFFFFF",
            .malformedFrame(type: 0x12)
        ),
        Hostile(
            "a hello with 65 tracks",
            "01 0000001C 4D524C59 0005 0001 0001 61 0001 62 0001 63 0000 0000000000000000 41",
            .tooManyTracks(limit: 64)
        ),
        Hostile(
            "a hello with fewer tracks than it counts",
            "01 0000001C 4D524C59 0005 0001 0001 61 0001 62 0001 63 0000 0000000000000000 01",
            .malformedFrame(type: 1)
        ),
        Hostile("33 rungs", "1B 00000001 21", .tooManyRungs(limit: 32)),
        Hostile("17 hops", "10 0000000C 0001 0000000000000001 01 11", .tooManyHops(limit: 16)),
        Hostile("an unknown state", "15 00000001 03", .malformedFrame(type: 0x15)),
        Hostile("an unknown end", "18 00000001 06", .malformedFrame(type: 0x18)),
        Hostile(
            "a decode time near the end of the numbers",
            "13 0000000E 01 01 7FFFFFFFFFFFFFFF 7FFFFFFF",
            .malformedFrame(type: 0x13)
        ),
        Hostile(
            "a sequence near the end of the numbers",
            """
            14 0000002D FFFFFFFFFFFFFFFF 00000000 0000000000000000 00 0000000000000000 0000000000000000
            0000000000000000
            """,
            .malformedFrame(type: 0x14)
        ),
        Hostile(
            "sound without a sample rate",
            "12 0000000F 01 02 04 00000000 00000002 00000000",
            .malformedFrame(type: 0x12)
        ),
    ])
    func `A hostile frame is refused with its reason`(_ hostile: Hostile) {
        #expect(throws: hostile.error) { try Self.frames(in: [hostile.bytes]) }
    }
}

extension RelayVector {
    /// The rest of the frame is opaque, so a longer one is another valid frame.
    fileprivate var endsInPayload: Bool {
        switch frame {
        case .item(.unit), .objectData: true
        default: false
        }
    }
}
