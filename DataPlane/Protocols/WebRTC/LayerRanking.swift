import Codecs
import MediaModel
import Timebase

/// Which layers of a simulcast are there, and which of them is the stream itself: the highest that is there.
///
/// A publisher stops its higher layers when its path or its processor does not carry them, and sends them again later. The stream
/// goes on with the next lower one then, at a keyframe of it.
struct LayerRanking: Sendable {
    private struct Layer: Sendable {
        var codec: CodecParameters
        var lastPicture: MonotonicInstant
        var height: Int { codec.pictureSize?.height ?? 0 }
    }

    /// Others had pictures meanwhile, so it is not the camera that waits.
    private let silenceMax: Duration
    private var layers: [TrackID: Layer] = [:]
    /// The one that is the stream, also while it is away and no other has had a keyframe since.
    private(set) var main: TrackID?
    private var mainHeight = 0

    init(silenceMax: Duration) { self.silenceMax = silenceMax }

    /// A layer had a picture, with these parameters.
    mutating func showed(_ id: TrackID, _ codec: CodecParameters, isKeyframe: Bool, at now: MonotonicInstant) {
        layers[id] = Layer(codec: codec, lastPicture: now)
        layers = layers.filter { now - $0.value.lastPicture <= silenceMax }
        if isKeyframe, id == highest { (main, mainHeight) = (id, codec.pictureSize?.height ?? 0) }
    }

    /// The layer that is to be the stream, whose keyframe is waited for.
    var awaited: TrackID? { highest == main ? nil : highest }

    /// Those below the stream, highest first. Of several of one height the first is as good as the others.
    var lower: [Track] {
        var heights: Set<Int> = []
        return ranked.filter { $0.value.height < mainHeight && heights.insert($0.value.height).inserted }
            .map { Track(id: $0.key, codec: $0.value.codec) }
    }

    private var highest: TrackID? { ranked.first?.key }

    private var ranked: [(key: TrackID, value: Layer)] {
        layers.sorted { ($1.value.height, $0.key) < ($0.value.height, $1.key) }
    }
}
