package import ClusterModel
import Codecs
package import MediaModel
package import Timebase

/// What a publisher's adapter hands to the hub, before the timeline is repaired and cut.
package enum IngestItem: Hashable, Sendable {
    /// The full set of tracks; before the first unit and at each change.
    case tracks([Track])
    /// `decodeTime` is the publisher's own clock, unwrapped; `frame` is set for audio of a known frame duration.
    case unit(AccessUnit, frame: AudioFrameDuration?)
    /// A picture of one of the video track's layers.
    case layer(AccessUnit)

    /// With the duration of a frame of sound, as far as the codec of its track, one of `tracks`, tells it.
    package init(_ unit: AccessUnit, of tracks: [Track]) {
        guard let codec = tracks.first(where: { $0.id == unit.track })?.codec, codec.kind == .audio,
            let samples = codec.samples(inFrame: unit.payload), let rate = codec.sampleRate
        else {
            self = .unit(unit, frame: nil)
            return
        }
        self = .unit(unit, frame: AudioFrameDuration(samples: Int64(samples), rate: Int64(rate)))
    }
}

/// Decides where the stream is cut into segments and parts. Runs at the origin only.
package protocol StreamCutter: Sendable {
    /// The mark that goes before `item`, if the stream is cut there.
    mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark?
    /// While on, older segments are kept for playlists; while off, playlists start at the current segment.
    mutating func retainSegments(_ isOn: Bool)
    /// Where a next owner would continue.
    var next: ResumePoint { get }
}

package typealias MakeStreamCutter = @Sendable (ResumePoint, AppSettings) -> any StreamCutter
