import Codecs
import MediaModel
import NIOCore
import Renditions
import Testing
import Timebase
import Transcoding

@Suite struct OrientationNotesTests {
    private let codec = CodecParameters.h264(configuration: ByteBuffer(), width: 64, height: 36)

    private func picture(_ milliseconds: Int64) -> EncodedPicture {
        EncodedPicture(
            decodeTime: MediaTime(milliseconds: milliseconds),
            presentationTime: MediaTime(milliseconds: milliseconds),
            isKeyframe: true,
            payload: LengthPrefixedNALUnits.join([ByteBuffer(bytes: [0x65, 1])])
        )
    }

    @Test func `a note goes with the picture of its time, once, and with no other`() {
        var notes = OrientationNotes()
        notes.note(DisplayOrientation(rotation: 0x4000), at: MediaTime(milliseconds: 40))
        notes.note(DisplayOrientation(rotation: 0x8000), at: MediaTime(milliseconds: 2040))
        // An encoder gives them late, and in its own order.
        let found = [0, 2040, 40, 40].map { time in
            DisplayOrientation(in: notes.noted(picture(time), codec: codec).payload, of: codec)?.rotation
        }
        #expect(found == [nil, 0x8000, 0x4000, nil])
    }

    @Test func `notes of pictures that never come are forgotten`() {
        var notes = OrientationNotes()
        for time in 0..<1000 {
            notes.note(DisplayOrientation(rotation: 1), at: MediaTime(milliseconds: Int64(time)))
        }
        #expect(notes.noted(picture(0), codec: codec) == picture(0))
        #expect(notes.noted(picture(999), codec: codec) != picture(999))
    }
}
