import Codecs
package import MediaModel
package import Timebase

/// A track as MP4 files and fragments name it: a number and a timescale, both fixed by its codec.
package struct MP4Track: Hashable, Sendable {
    package let track: Track

    /// Nil for data, which has no place in CMAF. Layers have none either.
    package init?(_ track: Track) {
        guard track.kind != .data else { return nil }
        self.track = Track(id: track.id, codec: track.codec)
    }

    package var number: UInt32 { Self.number(of: track.id) }

    /// `track_ID`, which must not be 0.
    package static func number(of id: TrackID) -> UInt32 { UInt32(id.value) + 1 }

    /// Ticks a second: 90,000 for video, so times are exact; the sample rate for audio, so whole samples are.
    package var timescale: Int64 { Int64(track.codec.sampleRate ?? Int(MediaTime.ticksPerSecond)) }

    package func ticks(_ time: MediaTime) -> Int64 {
        track.kind == .audio ? time.samples(atRate: timescale) : time.ticks
    }
}
