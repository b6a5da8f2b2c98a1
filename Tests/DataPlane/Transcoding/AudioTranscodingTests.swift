import Codecs
import LibAV
import MediaFixtures
import MediaModel
import Testing
import Timebase
import Transcoding

import struct NIOCore.ByteBuffer

@Suite struct SampleAlignerTests {
    private func block(at milliseconds: Int64, frames: Int = 480) -> SampleBlock {
        SampleBlock(
            time: MediaTime(milliseconds: milliseconds),
            rate: 48_000,
            channels: 1,
            samples: [Float](repeating: 0, count: frames)
        )
    }

    /// Blocks of 10 ms; each is placed after one at 0 ms, so it should be at 10 ms.
    static let placements: [(Int64, SampleAligner.Placement)] = [
        (10, .follows), (19, .follows), (1, .follows),
        (20, .afterSilence(frames: 480)), (1000, .afterSilence(frames: 47_520)),
        (0, .withoutFirst(frames: 480)), (-5, .withoutFirst(frames: 480)),
        (1010, .restarts), (-990, .restarts),
    ]

    @Test(arguments: placements)
    func `sound is laid where its stamp says, but for rounding`(at: Int64, placement: SampleAligner.Placement) {
        var aligner = SampleAligner()
        #expect(aligner.place(block(at: 0)) == .restarts)
        #expect(aligner.place(block(at: at)) == placement)
    }

    @Test func `small errors do not add up`() {
        var aligner = SampleAligner()
        _ = aligner.place(block(at: 0))
        // A clock that is 10 % fast: each block is a millisecond further off.
        let placements = (1...20).map { aligner.place(block(at: Int64($0) * 11)) }
        #expect(placements.filter { $0 != .follows } == [.afterSilence(frames: 480), .afterSilence(frames: 480)])
    }

    @Test func `another sample rate begins anew`() {
        var aligner = SampleAligner()
        _ = aligner.place(block(at: 0))
        #expect(
            aligner.place(SampleBlock(time: MediaTime(milliseconds: 10), rate: 44_100, channels: 1, samples: [0]))
                == .restarts
        )
    }
}

@Suite struct AudioTranscodingTests {
    private let codecs = LibAVCodecs()

    /// Silence, then from `onset` on a tone, as units of `format`.
    private func burst(onset: Double, seconds: Double, format: AudioFormat) throws -> (CodecParameters, [AccessUnit]) {
        let encoder = try AudioEncoder(format)
        let frames = Int(seconds * Double(format.rate))
        var samples = [Float](repeating: 0, count: frames * format.channels)
        for frame in Int(onset * Double(format.rate))..<frames {
            let value: Float = frame / 24 % 2 == 0 ? 0.4 : -0.4
            for channel in 0..<format.channels { samples[frame * format.channels + channel] = value }
        }
        var units: [AccessUnit] = []
        let perPacket = encoder.packetFrames * format.channels
        var packets = 0
        for start in stride(from: 0, through: samples.count - perPacket, by: perPacket) {
            for packet in try encoder.encode(Array(samples[start..<(start + perPacket)])) {
                let frame = Int64(packets * encoder.packetFrames - encoder.delayFrames)
                packets += 1
                units.append(
                    AccessUnit(
                        track: .audio,
                        decodeTime: MediaTime(seconds: 5) + MediaTime(samples: frame, rate: Int64(format.rate)),
                        isKeyframe: true,
                        payload: packet
                    )
                )
            }
        }
        return (encoder.codec, units)
    }

    private func transcode(
        _ source: (CodecParameters, [AccessUnit]),
        to format: AudioFormat
    ) throws -> (CodecParameters, [AccessUnit]) {
        let transcoder = try AudioTranscoder(codecs: codecs, source: source.0, track: TrackID(9), format: format)
        return (transcoder.codec, try source.1.flatMap(transcoder.transcode))
    }

    /// When the first loud sample is heard.
    private func onset(_ source: (CodecParameters, [AccessUnit])) throws -> Double {
        let decoder = try AudioDecoder(for: source.0)
        for unit in source.1 {
            for block in try decoder.decode(unit) {
                guard let place = block.samples.firstIndex(where: { abs($0) > 0.2 }) else { continue }
                return block.time.seconds + Double(place / block.channels) / Double(block.rate)
            }
        }
        return .infinity
    }

    static let formats: [AudioFormat] = [
        .aac(channels: 2), .opus(channels: 2),
        AudioFormat(codec: .aac, rate: 44_100, channels: 1, bitsPerSecond: 64_000),
    ]

    @Test(arguments: formats, formats)
    func `sound stays where it was`(source: AudioFormat, target: AudioFormat) throws {
        let original = try burst(onset: 1, seconds: 2, format: source)
        #expect(abs(try onset(original) - 6) < 0.003)
        let there = try transcode(original, to: target)
        #expect(abs(try onset(there) - 6) < 0.006)
        let back = try transcode(there, to: source)
        #expect(abs(try onset(back) - 6) < 0.010)
    }

    @Test func `AAC to Opus and back loses less than a packet at the end, and its times follow each other`() throws {
        let tracks = try SampleClip.tracks()
        let audio = try #require(tracks.first { $0.kind == .audio })
        let units: [AccessUnit] = try SampleClip.items(seconds: 4).compactMap {
            if case .unit(let unit) = $0, unit.track == .audio { unit } else { nil }
        }
        let opus = try transcode((audio.codec, units), to: .opus(channels: 1))
        let aac = try transcode(opus, to: .aac(channels: 1))
        for (result, frames) in [(opus, 960), (aac, 1024)] {
            #expect(result.1.allSatisfy { $0.track == TrackID(9) && result.0.samples(inFrame: $0.payload) == frames })
            let times = result.1.map(\.decodeTime)
            let first = try #require(times.first)
            let last = try #require(times.last)
            #expect(first >= .zero && first < MediaTime(milliseconds: 25))
            #expect(last + MediaTime(samples: Int64(frames), rate: 48_000) > MediaTime(milliseconds: 3930))
            for (number, time) in times.enumerated() {
                let expected = first + MediaTime(samples: Int64(number * frames), rate: 48_000)
                #expect(abs((time - expected).ticks) <= 1)
            }
        }
    }

    @Test func `a hole in the source is filled with silence of its length`() throws {
        let original = try burst(onset: 1, seconds: 2, format: .aac(channels: 1))
        var units = original.1
        units.removeSubrange(10..<20)
        let result = try transcode((original.0, units), to: .opus(channels: 1))
        #expect(abs(try onset(result) - 6) < 0.006)
        for (earlier, later) in zip(result.1, result.1.dropFirst()) {
            #expect(abs((later.decodeTime - earlier.decodeTime).ticks - 1800) <= 1)
        }
    }

    @Test func `a unit that is no sound is an error with the library's text`() throws {
        let original = try burst(onset: 1, seconds: 1, format: .aac(channels: 1))
        let transcoder = try AudioTranscoder(
            codecs: codecs,
            source: original.0,
            track: .audio,
            format: .opus(channels: 1)
        )
        var unit = original.1[0]
        unit.payload = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: CodecPortError.self) { try transcoder.transcode(unit) }
        #expect(throws: CodecPortError.decoderMissing(codec: "data")) {
            try AudioTranscoder(codecs: codecs, source: .data, track: .audio, format: .opus(channels: 1))
        }
    }
}
