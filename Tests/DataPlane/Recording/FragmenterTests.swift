import FMP4
import MediaFixtures
import MediaModel
import Recording
import Testing
import Timebase

struct FragmenterTests {
    @Test func `a fragment is what lies between two cuts that are far enough apart`() {
        let outputs = RecordingStory(seed: 1, seconds: 6).outputs()
        let fragments = outputs.compactMap { if case .fragment(let fragment) = $0 { fragment } else { nil } }
        #expect(fragments.map(\.number) == [1, 2, 3])
        #expect(fragments.map(\.end) == [MediaTime(seconds: 2), MediaTime(seconds: 4), nil])
        #expect(outputs.first.map { if case .begin = $0 { true } else { false } } == true)
        #expect(outputs.last == .end)
    }

    @Test func `times begin at zero wherever the stream is`() {
        let story = RecordingStory(seed: 1, seconds: 2, start: MediaTime(seconds: 50_000))
        let times = story.outputs().compactMap { output in
            if case .fragment(let fragment) = output { fragment.units.map(\.decodeTime).min() } else { nil }
        }
        #expect(times.first == .zero)
    }

    @Test func `nothing is written before the first keyframe`() {
        var story = RecordingStory(seed: 1, seconds: 4)
        story.items = story.items.filter { item in
            if case .unit(let unit) = item { !(unit.track == .video && unit.decodeTime == .zero) } else { true }
        }
        let first = story.outputs().compactMap { output in
            if case .fragment(let fragment) = output { fragment.units.first } else { nil }
        }
        #expect(first.first?.isKeyframe == true)
        #expect(first.first?.track == .video)
    }

    @Test func `other tracks begin another file at the next keyframe`() {
        var story = RecordingStory(seed: 1, seconds: 4)
        let half = story.items.count / 2
        story.items.insert(.tracks(Array(story.stream.tracks.prefix(1))), at: half)
        let files = story.outputs().compactMap { if case .begin(let tracks) = $0 { tracks.count } else { nil } }
        #expect(files == [2, 1])
    }

    @Test func `a file that is long enough ends at a keyframe`() {
        var story = RecordingStory(seed: 1, seconds: 8)
        story.limits.fileDurationMax = MediaTime(seconds: 3)
        let outputs = story.outputs()
        #expect(outputs.count { $0 == .end } == 2)
        let starts = zip(outputs, outputs.dropFirst()).compactMap { before, after in
            if case .begin = before, case .fragment(let fragment) = after {
                fragment.units.first?.isKeyframe
            } else {
                nil
            }
        }
        #expect(starts == [true, true])
    }

    @Test func `without cuts a fragment ends at its limit of bytes`() {
        var story = RecordingStory(seed: 1, seconds: 6)
        story.limits.fragmentBytesMax = 500
        story.items = story.items.filter { if case .cut = $0 { false } else { true } }
        let sizes = story.outputs().compactMap {
            if case .fragment(let fragment) = $0 { fragment.byteCount } else { nil }
        }
        #expect(sizes.count > 10)
        #expect(sizes.allSatisfy { $0 < 500 + 2000 })
    }
}
