import LoadGenerator
import NIOCore
import Testing
import Timebase

@Suite struct SendStampTests {
    static let stamps = [
        SendStamp(sentAt: MonotonicInstant(nanoseconds: 0), sequence: 0, bodyBytesBefore: 0),
        SendStamp(sentAt: MonotonicInstant(nanoseconds: .max), sequence: 1 << 34, bodyBytesBefore: 1 << 48),
        SendStamp(sentAt: MonotonicInstant(nanoseconds: 0x0000_0301_0000), sequence: 3, bodyBytesBefore: 0x0000_0300),
    ]

    @Test(arguments: stamps)
    func `a stamp is read back from the frame it was put into`(stamp: SendStamp) throws {
        #expect(SendStamp(videoBody: try head(of: Self.body(stamp))) == stamp)
    }

    @Test(arguments: stamps)
    func `a stamp behind an access unit delimiter is found`(stamp: SendStamp) throws {
        #expect(SendStamp(videoBody: try head(of: Self.body(stamp, before: [0, 0, 0, 2, 0x09, 0xF0]))) == stamp)
    }

    @Test(arguments: stamps)
    func `a stamp never needs emulation prevention`(stamp: SendStamp) {
        var bytes = ByteBuffer()
        stamp.write(into: &bytes)
        #expect(bytes.readableBytes == SendStamp.encodedBytes)
        // Behind the length: the NAL unit.
        #expect(!bytes.readableBytesView.dropFirst(4).contains(0))
    }

    @Test func `the last stamp of a file is found, and none where there is none`() {
        var file = ByteBuffer(repeating: 0x9C, count: 100)
        for stamp in Self.stamps {
            stamp.write(into: &file)
            file.writeRepeatingByte(0x9C, count: 30)
        }
        #expect(SendStamp(lastIn: Array(file.readableBytesView).span) == Self.stamps.last)
        #expect(SendStamp(lastIn: [UInt8](repeating: 0x9C, count: 100).span) == nil)
        #expect(SendStamp(lastIn: [UInt8]().span) == nil)
    }

    @Test func `a frame of another publisher has no stamp`() throws {
        #expect(
            SendStamp(videoBody: try head(of: [0x27, 1, 0, 0, 0, 0, 0, 0, 9, 0x06, 5, 4, 1, 2, 3, 4, 0x80])) == nil
        )
    }

    static func body(_ stamp: SendStamp, before: [UInt8] = [], keyframe: Bool = false) -> [UInt8] {
        var bytes = ByteBuffer(bytes: [keyframe ? 0x17 : 0x27, 1, 0, 0, 0] + before)
        stamp.write(into: &bytes)
        bytes.writeBytes([0, 0, 0, 2, 0x41, 0x9A])
        return Array(bytes.readableBytesView)
    }
}

/// The message as a walker reports it.
func head(of body: [UInt8], type: UInt8 = 9, timestamp: UInt32 = 0) throws -> MessageHead {
    let size = body.count
    let wire: [UInt8] =
        [0x46, 0x4C, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]
        + [type, 0, UInt8(size >> 8), UInt8(size & 0xFF)]
        + [
            UInt8(timestamp >> 16 & 0xFF), UInt8(timestamp >> 8 & 0xFF), UInt8(timestamp & 0xFF),
            UInt8(timestamp >> 24),
        ]
        + [0, 0, 0] + body + [0, 0, UInt8((size + 11) >> 8), UInt8((size + 11) & 0xFF)]
    var walker = TagWalker()
    var position = 0
    return try #require(try walker.next(in: wire.span, at: &position))
}
