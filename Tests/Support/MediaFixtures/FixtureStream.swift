package import MediaModel
package import Timebase

import struct NIOCore.ByteBuffer

/// A stream whose timing a test chooses. Codec headers and NAL unit headers are real, the rest of each payload is noise
/// that depends on the seed alone: parsers accept it, decoders do not (for these there is `SampleClip`).
package struct FixtureStream: Sendable {
    package var seed: UInt64
    package var framesPerSecond: Int64 = 30
    /// Frames from one keyframe to the next.
    package var keyframeInterval = 60
    /// Every third frame after a keyframe is a reference for the two after it.
    package var hasBFrames = false
    package var hasVideo = true
    package var hasAudio = true
    /// Times as RTMP carries them, cut to whole milliseconds.
    package var roundsToMilliseconds = false
    package var start = MediaTime.zero
    package var frameBytes = 200...2000

    package init(seed: UInt64) { self.seed = seed }

    package var tracks: [Track] {
        var tracks: [Track] = []
        if hasVideo {
            tracks.append(
                Track(id: .video, codec: .h264(configuration: SampleClip.avcConfiguration, width: 128, height: 72))
            )
        }
        if hasAudio {
            let configuration = SampleClip.audioSpecificConfig
            tracks.append(
                Track(id: .audio, codec: .aac(configuration: configuration, sampleRate: 44_100, channels: 1))
            )
        }
        return tracks
    }

    /// The tracks, then the units of the first `seconds` seconds in decode order.
    package func items(seconds: Double) -> [StreamItem] {
        [.tracks(tracks)] + units(seconds: seconds).map(StreamItem.unit)
    }

    package func units(seconds: Double) -> [AccessUnit] {
        let end = MediaTime(seconds: seconds)
        var noise = Noise(state: seed)
        var units: [AccessUnit] = []
        if hasVideo { units += video(until: end, &noise) }
        if hasAudio { units += audio(until: end, &noise) }
        return units.sorted { ($0.decodeTime, $0.track) < ($1.decodeTime, $1.track) }
    }

    private func video(until end: MediaTime, _ noise: inout Noise) -> [AccessUnit] {
        var units: [AccessUnit] = []
        for number in 0... {
            let time = MediaTime(samples: Int64(number), rate: framesPerSecond)
            guard time < end else { break }
            let isKeyframe = number % keyframeInterval == 0
            units.append(
                AccessUnit(
                    track: .video,
                    decodeTime: start + rounded(time),
                    compositionOffset: hasBFrames ? compositionOffset(number) : .zero,
                    isKeyframe: isKeyframe,
                    payload: nalUnit(header: isKeyframe ? 0x65 : 0x41, &noise)
                )
            )
        }
        return units
    }

    /// Decode order I P b b P b b: a P is shown after the two b that follow it, each b one frame late.
    private func compositionOffset(_ number: Int) -> MediaTime {
        let position = number % keyframeInterval
        let delay: Int64 = position == 0 ? 1 : position % 3 == 1 ? 3 : 0
        return MediaTime(samples: delay, rate: framesPerSecond)
    }

    private func audio(until end: MediaTime, _ noise: inout Noise) -> [AccessUnit] {
        var units: [AccessUnit] = []
        for number in 0... {
            let time = MediaTime(samples: Int64(number) * 1024, rate: 44_100)
            guard time < end else { break }
            let payload = ByteBuffer(bytes: noise.bytes(count: 96))
            units.append(
                AccessUnit(track: .audio, decodeTime: start + rounded(time), isKeyframe: true, payload: payload)
            )
        }
        return units
    }

    private func rounded(_ time: MediaTime) -> MediaTime {
        roundsToMilliseconds ? MediaTime(milliseconds: time.milliseconds) : time
    }

    private func nalUnit(header: UInt8, _ noise: inout Noise) -> ByteBuffer {
        let size = noise.number(in: frameBytes)
        var payload = ByteBuffer()
        payload.writeInteger(UInt32(size))
        payload.writeInteger(header)
        payload.writeBytes(noise.bytes(count: size - 1))
        return payload
    }
}

/// SplitMix64: the same numbers on every machine, for ever.
private struct Noise {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// Never zero, so that no start code arises.
    mutating func bytes(count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) | 1 } }
}
