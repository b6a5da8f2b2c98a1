import MediaModel
import Renditions
import Testing
import Timebase
import Transcoding

import struct NIOCore.ByteBuffer

/// A rung of a source with 10 pictures a second and a keyframe every second, which is also where it is cut.
@Suite struct RenditionSplicerTests {
    private static let codec = CodecParameters.h264(configuration: ByteBuffer(bytes: [1]), width: 64, height: 36)
    private static let sound = Track(
        id: .audio,
        codec: .aac(configuration: ByteBuffer(bytes: [2]), sampleRate: 48_000, channels: 1)
    )

    private func time(_ tenths: Int) -> MediaTime { MediaTime(milliseconds: Int64(tenths) * 100) }

    private func mark(_ sequence: UInt64, isDiscontinuous: Bool = false) -> CutMark {
        CutMark(
            sequence: sequence,
            part: 0,
            discontinuity: 3,
            isDiscontinuous: isDiscontinuous || sequence == 0,
            mediaTime: time(Int(sequence) * 10),
            wallTime: WallTime(milliseconds: Int64(sequence) * 1000),
            oldestSequence: 0
        )
    }

    private func sourceUnit(_ tenths: Int) -> AccessUnit {
        AccessUnit(track: .video, decodeTime: time(tenths), isKeyframe: tenths % 10 == 0, payload: ByteBuffer())
    }

    private func picture(_ tenths: Int, delay: Int = 0) -> EncodedPicture {
        EncodedPicture(
            decodeTime: time(tenths - delay),
            presentationTime: time(tenths),
            isKeyframe: tenths % 10 == 0,
            payload: ByteBuffer()
        )
    }

    private func soundUnit(_ tenths: Int) -> AccessUnit {
        AccessUnit(track: .audio, decodeTime: time(tenths), isKeyframe: true, payload: ByteBuffer())
    }

    private func splicer(partTenths: Int = 100) -> RenditionSplicer {
        var splicer = RenditionSplicer(partDuration: time(partTenths), windowSegments: 3)
        _ = splicer.soundTracks([Self.sound])
        splicer.codec(Self.codec)
        return splicer
    }

    /// What came out, in words.
    private func words(_ outputs: [RenditionSplicer.Output]) -> [String] {
        outputs.map { output in
            switch output {
            case .gap: "gap"
            case .item(.tracks(let tracks)): "tracks \(tracks.map(\.codec.name).joined(separator: "+"))"
            case .item(.cut(let mark)):
                "cut \(mark.sequence).\(mark.part) at \(mark.mediaTime.milliseconds / 100), from \(mark.oldestSequence)"
            case .item(.unit(let unit)):
                "\(unit.track == .video ? "picture" : "sound") \(unit.decodeTime.milliseconds / 100)"
            }
        }
    }

    @Test func `a rung begins with the source's next segment, at its first picture`() {
        var splicer = splicer()
        #expect(splicer.take(picture(8)) == [])
        splicer.take(sound: soundUnit(9))
        splicer.cut(mark(1), before: sourceUnit(10))
        splicer.take(sound: soundUnit(10))
        #expect(splicer.take(picture(9)) == [])
        #expect(words(splicer.take(picture(10))) == ["tracks h264+aac", "cut 1.0 at 10, from 1", "picture 10"])
        #expect(words(splicer.take(picture(11))) == ["sound 10", "picture 11"])
    }

    @Test func `a segment keeps its number and wall time, and begins at the rung's own time of decoding`() throws {
        var splicer = splicer()
        splicer.cut(mark(1), before: sourceUnit(10))
        splicer.cut(mark(2), before: sourceUnit(20))
        #expect(words(splicer.take(picture(10, delay: 2))).contains("cut 1.0 at 8, from 1"))
        for tenths in 11..<20 { #expect(words(splicer.take(picture(tenths, delay: 2))) == ["picture \(tenths - 2)"]) }
        let outputs = splicer.take(picture(20, delay: 2))
        guard case .item(.cut(let cut))? = outputs.first else {
            Issue.record("no cut")
            return
        }
        var expected = mark(2)
        expected.mediaTime = time(18)
        expected.oldestSequence = 2
        #expect(cut == expected)
        #expect(outputs.count == 2)
    }

    @Test func `sound comes in its place between pictures and cuts, however late the pictures are`() {
        var splicer = splicer()
        splicer.cut(mark(1), before: sourceUnit(10))
        for tenths in 10..<30 { splicer.take(sound: soundUnit(tenths)) }
        splicer.cut(mark(2), before: sourceUnit(20))
        var all: [String] = []
        for tenths in 10...21 { all += words(splicer.take(picture(tenths))) }
        #expect(all.suffix(5) == ["sound 19", "cut 2.0 at 20, from 2", "picture 20", "sound 20", "picture 21"])
    }

    /// The source's own players may be gone, or never have been.
    @Test func `a rung's window is its own, whatever the source keeps`() {
        var splicer = splicer()
        splicer.cut(mark(1), before: sourceUnit(10))
        _ = splicer.take(picture(10))
        splicer.retainSegments(true)
        var cuts: [String] = []
        for sequence in 2...7 {
            var mark = mark(UInt64(sequence))
            mark.oldestSequence = mark.sequence
            splicer.cut(mark, before: sourceUnit(sequence * 10))
            cuts += words(splicer.take(picture(sequence * 10))).filter { $0.hasPrefix("cut") }
        }
        #expect(cuts.map { $0.split(separator: " ").last } == ["1", "1", "1", "2", "3", "4"])
    }

    @Test func `parts are cut before they grow too long`() {
        var splicer = splicer(partTenths: 4)
        splicer.cut(mark(1), before: sourceUnit(10))
        let cuts = (10..<20).flatMap { words(splicer.take(picture($0))) }.filter { $0.hasPrefix("cut") }
        #expect(cuts == ["cut 1.0 at 10, from 1", "cut 1.1 at 14, from 1", "cut 1.2 at 18, from 1"])
    }

    @Test func `a segment that never came is said to be missing`() {
        var splicer = splicer()
        splicer.cut(mark(1), before: sourceUnit(10))
        _ = splicer.take(picture(10))
        splicer.cut(mark(2), before: sourceUnit(20))
        splicer.cut(mark(3), before: sourceUnit(30))
        #expect(words(splicer.take(picture(30))) == ["gap", "cut 3.0 at 30, from 3", "picture 30"])
    }

    @Test func `a cut at a keyframe waits for the rung's keyframe, one between keyframes for the next picture`() {
        var splicer = splicer()
        splicer.cut(mark(1), before: sourceUnit(10))
        #expect(words(splicer.take(picture(11))) == [])
        _ = splicer.take(picture(20))
        splicer.cut(mark(2), before: sourceUnit(25))
        #expect(words(splicer.take(picture(26))) == ["cut 2.0 at 26, from 2", "picture 26"])
    }

    @Test func `while somebody wants older segments they are named from the first one kept`() {
        var splicer = splicer()
        splicer.cut(mark(1), before: sourceUnit(10))
        _ = splicer.take(picture(10))
        splicer.retainSegments(true)
        for sequence in 2...3 {
            splicer.cut(mark(UInt64(sequence)), before: sourceUnit(sequence * 10))
            #expect(
                words(splicer.take(picture(sequence * 10))).first == "cut \(sequence).0 at \(sequence * 10), from 1"
            )
        }
        splicer.retainSegments(false)
        splicer.cut(mark(4), before: sourceUnit(40))
        #expect(words(splicer.take(picture(40))).first == "cut 4.0 at 40, from 4")
    }

    /// Tracks change with discontinuities only.
    @Test func `where sound begins a segment waits until it is known what it will be`() {
        var splicer = splicer()
        _ = splicer.soundTracks([])
        splicer.cut(mark(1), before: sourceUnit(10))
        #expect(words(splicer.take(picture(10))).first == "tracks h264")
        #expect(splicer.soundTracks(nil) == [])
        splicer.cut(mark(2), before: sourceUnit(20))
        splicer.cut(mark(3, isDiscontinuous: true), before: sourceUnit(30))
        #expect(words(splicer.take(picture(20))) == ["cut 2.0 at 20, from 2", "picture 20"])
        #expect(splicer.take(picture(30)) == [])
        #expect(splicer.take(picture(31)) == [])
        splicer.take(sound: soundUnit(30))
        #expect(
            words(splicer.soundTracks([Self.sound]))
                == ["tracks h264+aac", "cut 3.0 at 30, from 3", "picture 30", "sound 30", "picture 31"]
        )
        #expect(words(splicer.take(picture(32))) == ["picture 32"])
    }

    @Test func `the rest of what was before a change keeps its sound, however late it comes`() {
        var splicer = splicer()
        splicer.cut(mark(1), before: sourceUnit(10))
        _ = splicer.take(picture(10))
        splicer.cut(mark(2), before: sourceUnit(20))
        _ = splicer.soundTracks([])
        splicer.cut(mark(3, isDiscontinuous: true), before: sourceUnit(30))
        #expect(words(splicer.take(picture(20))) == ["cut 2.0 at 20, from 2", "picture 20"])
        #expect(words(splicer.take(picture(30))) == ["tracks h264", "cut 3.0 at 30, from 3", "picture 30"])
    }

    @Test func `what waits is bounded`() {
        var limits = SplicerLimits()
        limits.soundUnitsMax = 3
        limits.cutsMax = 2
        var splicer = RenditionSplicer(partDuration: time(100), windowSegments: 3, limits: limits)
        _ = splicer.soundTracks([Self.sound])
        splicer.codec(Self.codec)
        splicer.cut(mark(1), before: sourceUnit(10))
        _ = splicer.take(picture(10))
        for tenths in 10..<20 { splicer.take(sound: soundUnit(tenths)) }
        #expect(words(splicer.take(picture(20))) == ["sound 17", "sound 18", "sound 19", "picture 20"])
        for sequence in 2...9 { splicer.cut(mark(UInt64(sequence)), before: sourceUnit(sequence * 10)) }
        #expect(words(splicer.take(picture(90))).contains("cut 3.0 at 90, from 3"))
    }

    @Test func `an encoder of sound that does not open costs the sound and not the pictures`() {
        var limits = SplicerLimits()
        limits.heldPicturesMax = 2
        var splicer = RenditionSplicer(partDuration: time(100), windowSegments: 3, limits: limits)
        _ = splicer.soundTracks([])
        splicer.codec(Self.codec)
        splicer.cut(mark(1), before: sourceUnit(10))
        _ = splicer.take(picture(10))
        _ = splicer.soundTracks(nil)
        splicer.cut(mark(2, isDiscontinuous: true), before: sourceUnit(20))
        #expect((20..<22).flatMap { splicer.take(picture($0)) } == [])
        #expect(
            words(splicer.take(picture(22))) == ["cut 2.0 at 20, from 2", "picture 20", "picture 21", "picture 22"]
        )
    }
}
