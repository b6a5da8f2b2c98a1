import LibAV
import MediaFixtures
import MediaModel
import NIOCore
import Testing
import Timebase
import Transcoding

struct StillPictureTests {
    @Test(arguments: [(360, 128, 72), (36, 64, 36), (35, 60, 34)])
    func `a keyframe becomes a JPEG of at most so many lines`(lines: Int, width: Int, height: Int) throws {
        let items = try SampleClip.items(seconds: 0.1)
        let track = try #require(try SampleClip.tracks().first { $0.kind == .video })
        let keyframe = try #require(
            items.compactMap { if case .unit(let unit) = $0, unit.track == track.id { unit } else { nil } }.first
        )
        let picture = try LibAVCodecs().jpeg(of: keyframe, codec: track.codec, linesMax: lines)
        let bytes = Array(picture.readableBytesView)
        // Start of image, and end of image.
        #expect(bytes.prefix(2) == [0xFF, 0xD8] && bytes.suffix(2) == [0xFF, 0xD9])
        // Start of frame, baseline: length, precision, lines, samples a line.
        let frame = try #require(bytes.firstRange(of: [0xFF, 0xC0]))
        let fields = bytes[frame.upperBound...].dropFirst(3).prefix(4).map(Int.init)
        #expect(fields[0] << 8 | fields[1] == height && fields[2] << 8 | fields[3] == width)
    }

    @Test func `what is no keyframe is refused`() throws {
        let track = try #require(try SampleClip.tracks().first { $0.kind == .video })
        let unit = AccessUnit(
            track: .video,
            decodeTime: .zero,
            isKeyframe: true,
            payload: .init(bytes: [0, 0, 0, 1, 9])
        )
        #expect(throws: CodecPortError.self) {
            try LibAVCodecs().jpeg(of: unit, codec: track.codec, linesMax: 360)
        }
    }
}
