import Codecs
import MediaModel
import NIOCore
import Testing

@Suite struct DisplayOrientationTests {
    private static let h264 = CodecParameters.h264(configuration: ByteBuffer(), width: 640, height: 360)
    private static let h265 = CodecParameters.h265(configuration: ByteBuffer(), width: 640, height: 360)

    private static func unit(_ parts: [[UInt8]]) -> ByteBuffer {
        LengthPrefixedNALUnits.join(parts.map { ByteBuffer(bytes: $0) })
    }

    /// As ffmpeg 5.1's `h264_metadata=display_orientation=insert:rotate=90` and `…:rotate=45:flip=horizontal` write it.
    @Test(arguments: [
        ([0x06, 0x2F, 0x03, 0x08, 0x00, 0x09, 0x80], DisplayOrientation(rotation: 0x4000)),
        (
            [0x06, 0x2F, 0x03, 0x44, 0x00, 0x09, 0x80],
            DisplayOrientation(isFlippedHorizontally: true, rotation: 0x2000)
        ),
        // Behind another message, as x264's own.
        (
            [0x06, 0x05, 0xFF, 0x02] + [UInt8](repeating: 0x41, count: 257) + [0x2F, 0x03, 0x08, 0x00, 0x09, 0x80],
            DisplayOrientation(rotation: 0x4000)
        ),
    ])
    func `a note is found in the supplemental units of H.264`(bytes: [UInt8], found: DisplayOrientation) {
        #expect(DisplayOrientation(in: Self.unit([[0x09, 0xF0], bytes, [0x65, 1]]), of: Self.h264) == found)
    }

    @Test(arguments: [
        [0x06, 0x2F, 0x03, 0x98, 0x00, 0x09, 0x80], [0x06, 0x2F, 0x03, 0x18], [0x06], [0x06, 0xFF, 0xFF], [0x65, 0x2F],
        [0x06, 0x2F, 0x01, 0x18, 0x80], [0x06, 0x05, 0x02, 0x2F, 0x03, 0x80],
    ])
    func `what takes a note back, is cut off or is something else, is none`(bytes: [UInt8]) {
        #expect(DisplayOrientation(in: Self.unit([bytes]), of: Self.h264) == nil)
    }

    @Test(arguments: [
        DisplayOrientation(rotation: 0), DisplayOrientation(rotation: 0xFFFF), DisplayOrientation(rotation: 0xC000),
        DisplayOrientation(isFlippedHorizontally: true, isFlippedVertically: true, rotation: 0x0003),
    ])
    func `a note that is put in stands before the slices and is read again, in both codecs`(note: DisplayOrientation) {
        let pictures: [(CodecParameters, [[UInt8]], at: Int)] = [
            (Self.h264, [[0x09, 0xF0], [0x67, 1], [0x06, 0x05, 1, 2, 0x80], [0x65, 1]], 2),
            (Self.h264, [[0x65, 1]], 0), (Self.h265, [[0x46, 1, 2], [0x40, 1, 3], [0x26, 1, 4]], 2),
        ]
        for (codec, units, place) in pictures {
            let payload = note.inserted(into: Self.unit(units), of: codec)
            let all = (try? LengthPrefixedNALUnits.split(payload)) ?? []
            #expect(DisplayOrientation(in: payload, of: codec) == note)
            #expect(
                all.count == units.count + 1
                    && DisplayOrientation(in: Self.unit([Array(all[place].readableBytesView)]), of: codec) == note
            )
            // No start code, and nothing that must be escaped.
            #expect(RBSP.unescape(all[place], headerBytes: 0).count == all[place].readableBytes)
            var others = all
            others.remove(at: place)
            #expect(others.map { Array($0.readableBytesView) } == units)
        }
    }

    @Test func `a note behind a slice is none of this picture`() {
        let note: [UInt8] = [0x06, 0x2F, 0x03, 0x08, 0x00, 0x09, 0x80]
        #expect(DisplayOrientation(in: Self.unit([[0x65, 1], note]), of: Self.h264) == nil)
        #expect(DisplayOrientation(in: Self.unit([[0x26, 1, 4], [0x4E, 1] + note[1...]]), of: Self.h265) == nil)
    }

    @Test func `a codec without such notes is left as it is`() {
        let payload = ByteBuffer(bytes: [1, 2, 3])
        let av1 = CodecParameters.av1(configuration: ByteBuffer(), width: 640, height: 360)
        #expect(DisplayOrientation(rotation: 1).inserted(into: payload, of: av1) == payload)
        #expect(DisplayOrientation(in: payload, of: av1) == nil)
    }
}
