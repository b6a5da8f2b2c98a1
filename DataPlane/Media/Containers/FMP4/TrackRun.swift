import Codecs
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// The samples of one track in one fragment, with times in the track's own timescale.
package struct TrackRun: Hashable, Sendable {
    package struct Sample: Hashable, Sendable {
        package var duration: UInt32
        package var compositionOffset: Int32
        package var isSync: Bool
        package var payload: ByteBuffer
    }

    package let track: MP4Track
    /// `baseMediaDecodeTime`.
    package let decodeTime: UInt64
    package let samples: [Sample]

    /// Nil when `units` holds nothing of this track.
    ///
    /// A duration is the difference of two rounded times, so rounding never adds up. The last sample of video lasts until
    /// `end`, where the next fragment's video starts; without one (the timeline breaks, the stream ends), and always for
    /// audio, whose next frame the cut does not tell, it lasts as long as its codec or its neighbours say.
    package init?(_ track: MP4Track, units: [AccessUnit], end: MediaTime?) {
        let own = units.filter { $0.track == track.track.id }
        guard let first = own.first, let last = own.last else { return nil }
        let times = own.map { track.ticks($0.decodeTime) }
        var durations = zip(times, times.dropFirst()).map { UInt32(clamping: $1 - $0) }
        durations.append(Self.lastDuration(track, last, end: end, before: durations.last))
        self.track = track
        decodeTime = UInt64(clamping: track.ticks(first.decodeTime))
        samples = zip(own, durations).map { unit, duration in
            Sample(
                duration: duration,
                compositionOffset: Int32(clamping: track.ticks(unit.compositionOffset)),
                isSync: unit.isKeyframe,
                payload: unit.payload
            )
        }
    }

    /// In the track's timescale.
    package var duration: Int64 { samples.reduce(0) { $0 + Int64($1.duration) } }

    private static func lastDuration(_ track: MP4Track, _ unit: AccessUnit, end: MediaTime?, before: UInt32?) -> UInt32
    {
        if track.track.kind == .audio {
            let samples = track.track.codec.samples(inFrame: unit.payload).map { UInt32(clamping: $0) }
            return samples ?? before ?? UInt32(clamping: track.timescale / 50)
        }
        if let end, end > unit.decodeTime { return UInt32(clamping: track.ticks(end) - track.ticks(unit.decodeTime)) }
        // A single picture before a break: a thirtieth of a second is as good a guess as any.
        return before ?? UInt32(clamping: track.timescale / 30)
    }
}
