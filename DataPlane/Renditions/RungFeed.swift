import ClusterModel
import Codecs
package import MediaModel
import NIOCore
import Streams
import Timebase
import Transcoding

import struct NIOCore.ByteBuffer

/// How a derived stream ended.
package enum DerivedEnd: Hashable, Sendable {
    /// Its source did, or is fenced.
    case ended(EndReason)
    /// It may come back by itself.
    case lost(String)
    /// There is no such rendition of this source, now.
    case unknown
    /// There is, and this node cannot make it for now; `reason` is fit for its players.
    case notMade(_ reason: String)
    /// Nobody wanted it any more.
    case stopped
}

/// One rung, or the source's pictures in order, on the way to the stream that distributes it.
///
/// `@unchecked Sendable`: touched on the source's loop only; `target` is reached by way of its own loop.
final class RungFeed: StreamUpstream, @unchecked Sendable {
    /// Of what is made of the source.
    enum Kind: Hashable, Sendable {
        case rung(String)
        case inOrder(rung: String?)
        case sliced
    }

    private let kind: Kind
    private let target: LiveStream
    private let sourceLoop: any EventLoop
    private weak let source: LiveStream?
    private var splicer: RenditionSplicer
    private let onEnd: @Sendable (DerivedEnd) -> Void
    private(set) var hasEnded = false
    /// Whether anything came of it.
    private(set) var hasBegun = false
    private var orientations = OrientationNotes()
    /// Nil before an encoder has opened, and of a rung that the publisher sends itself.
    private var encoded: CodecParameters?
    /// Set of a rung that the publisher sends itself.
    private(set) var layer: (id: TrackID, aligner: LayerAligner)?

    init(_ kind: Kind, target: LiveStream, source: LiveStream, onEnd: @escaping @Sendable (DerivedEnd) -> Void) {
        self.kind = kind
        self.target = target
        sourceLoop = source.loop
        self.source = source
        splicer = RenditionSplicer(
            partDuration: MediaTime(seconds: source.settings.hlsPartDuration),
            windowSegments: source.settings.hlsWindowSegments
        )
        self.onEnd = onEnd
    }

    /// Unique among the feeds of a source, and the rendition's own.
    var name: String {
        switch kind {
        case .rung(let name): name
        case .inOrder(let rung): "\(rung ?? "source")~inorder"
        case .sliced: "source~sliced"
        }
    }

    /// The plan's rendition of this name; nil where the source has none such.
    func rendition(of plan: RenditionPlan) -> Rendition? {
        switch kind {
        case .rung(let name): plan[name]
        case .inOrder(let rung): plan.inOrder(rung: rung)
        case .sliced: plan.sliced
        }
    }

    /// - Parameter settings: the source's, which may be older than the app's: both are packaged alike.
    func begin(epoch: Epoch?, settings: AppSettings) {
        guard let epoch else { return end(.lost("the source has no owner yet")) }
        onTarget { target, feed in
            target.apply(settings)
            target.beginPull(from: feed, epoch: epoch, tracks: [])
        }
    }

    func end(_ reason: DerivedEnd) {
        guard !hasEnded else { return }
        hasEnded = true
        // Behind all that was sent before.
        target.loop.execute { [target, onEnd] in
            target.endPull(from: self)
            onEnd(reason)
        }
    }

    func interrupt() { onTarget { target, _ in target.interrupt() } }

    // MARK: A layer of the publisher's

    /// The rung is this layer, as it is, with those below it.
    func follow(_ rendition: Rendition, of plan: RenditionPlan) {
        guard let track = rendition.layer else { return }
        if layer?.id != track.id { layer = (track.id, LayerAligner()) }
        let lower = plan.renditions.filter { $0.size.height < rendition.size.height }
        splicer.codec(track.codec, layers: lower.compactMap(\.layer))
    }

    func take(layer unit: AccessUnit) {
        guard layer?.id == unit.track else { return }
        for picture in layer?.aligner.take(unit) ?? [] { take(picture) }
    }

    func sourceShowed(_ time: MediaTime) {
        for picture in layer?.aligner.sourceShowed(time) ?? [] { take(picture) }
    }

    // MARK: The source and the rung

    /// - Parameter tracks: nil while it is not known what they will be.
    func soundTracks(_ tracks: [Track]?) { send(splicer.soundTracks(tracks)) }
    func cut(_ mark: CutMark, before unit: AccessUnit) { splicer.cut(mark, before: unit) }
    func take(sound unit: AccessUnit) { splicer.take(sound: unit) }
    func note(_ orientation: DisplayOrientation, at time: MediaTime) { orientations.note(orientation, at: time) }

    func codec(_ codec: CodecParameters) {
        encoded = codec
        splicer.codec(codec)
    }

    /// Of an encoder.
    func take(encoded picture: EncodedPicture) {
        take(encoded.map { orientations.noted(picture, codec: $0) } ?? picture)
    }

    private func take(_ picture: EncodedPicture) { send(splicer.take(picture)) }

    private func send(_ outputs: [RenditionSplicer.Output]) {
        guard !outputs.isEmpty else { return }
        hasBegun = true
        onTarget { target, _ in
            var items: [StreamItem] = []
            for output in outputs {
                switch output {
                case .item(let item): items.append(item)
                case .gap:
                    target.receive(items)
                    items = []
                    target.itemsMissing()
                }
            }
            target.receive(items)
        }
    }

    private func onTarget(_ body: @escaping @Sendable (LiveStream, RungFeed) -> Void) {
        guard !hasEnded else { return }
        target.loop.execute { [target] in body(target, self) }
    }

    // MARK: StreamUpstream

    func wantObjects(_ isWanted: Bool) {
        sourceLoop.execute { self.splicer.retainSegments(isWanted) }
    }

    /// An encoded rung's keyframes are the source's.
    func wantKeyframe() {
        sourceLoop.execute { self.source?.wantKeyframe(of: self.layer?.id ?? .video) }
    }

    /// All that there is of a rung was made here.
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }

    var hops: [String] { [] }
    var chosenTracks: [TrackID] { [] }
}
