package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// One rendition of a live stream as a node serves it over HLS and DASH: packager, index and bytes, over epochs.
///
/// Feed it the stream's items in order; after each, compare `version` and wake the held requests when it changed.
package struct LiveRendition: Sendable {
    package let rendition: String
    private let selection: TrackSelection
    private let packagerLimits: PackagerLimits
    private var packager: Packager
    private var current: SegmentWindow
    /// The last epoch's, listed until the new one has a segment: a playlist without one stops many players.
    private var previous: SegmentWindow?
    private var store: SegmentStore
    /// Made since the parent was asked for its index; nil when it was not, or has answered.
    private var sinceAsked: [PackagerOutput]?

    /// - Parameter index: a new one with the epoch and settings, or that of a node that is copied.
    package init(
        rendition: String = ObjectName.sourceRendition,
        index: SegmentIndex,
        selection: TrackSelection = .all,
        packagerLimits: PackagerLimits = PackagerLimits(),
        storeLimits: SegmentStoreLimits = SegmentStoreLimits()
    ) {
        self.rendition = rendition
        self.selection = selection
        self.packagerLimits = packagerLimits
        packager = Packager(
            rendition: rendition,
            epoch: index.epoch,
            container: index.settings.container,
            selection: selection,
            limits: packagerLimits
        )
        current = SegmentWindow(index: index)
        store = SegmentStore(rendition: rendition, limits: storeLimits)
    }

    /// What playlists are rendered from and blocking reloads are decided by.
    package var listed: SegmentWindow { current.isPlayable ? current : previous ?? current }

    package var version: SegmentWindow.Version { listed.version }

    /// What a node that joins now must be told.
    package var index: SegmentIndex { current.index }

    /// Of the segment that is being made; what the stream has announced may count from the next one only.
    package var openTracks: [Track] { packager.openTracks }

    package var byteCount: Int { store.byteCount }

    /// Only a parent's index can tell of the segments before those listed.
    package var lacksSegments: Bool { current.lacksSegments }

    package mutating func receive(_ item: StreamItem) {
        for output in packager.receive(item) { take(output) }
    }

    /// A new owner has taken the stream. Older epochs are ignored.
    package mutating func begin(_ epoch: Epoch, _ settings: PackagingSettings) {
        guard epoch > current.index.epoch else { return }
        if current.isPlayable { previous = current }
        current = SegmentWindow(index: SegmentIndex(epoch: epoch, settings: settings))
        sinceAsked = nil
        renewPackager()
    }

    /// Items were lost: what was collected for the open part is not whole.
    package mutating func itemsMissing() { renewPackager() }

    /// The parent is being asked for its index. What is made from now on will be added to it.
    package mutating func expectIndex() { sinceAsked = [] }

    /// The parent's answer; nil when it has none. Taken when it is of this epoch and leads at least as far as this node's own.
    package mutating func adopt(_ index: SegmentIndex?) {
        let missed = sinceAsked ?? []
        sinceAsked = nil
        guard let index, index.epoch == current.index.epoch else { return }
        let isOfOtherKind = index.settings.container != current.index.settings.container
        var window = SegmentWindow(index: index)
        for output in missed { window.receive(output) }
        guard isOfOtherKind || window.version.isAtLeast(current.version) else { return }
        current = window
        if isOfOtherKind { renewPackager() }
    }

    private mutating func renewPackager() {
        packager = Packager(
            rendition: rendition,
            epoch: current.index.epoch,
            container: current.index.settings.container,
            selection: selection,
            limits: packagerLimits,
            // The stream tells tracks only when they change.
            announced: packager.announced
        )
    }

    /// The stream ended in order on this node's own timeline: publisher gone or removed, not a relay that broke off.
    package mutating func finish() {
        for output in packager.finish() { take(output) }
    }

    package func object(_ name: ObjectName) -> SegmentStore.Lookup {
        if let previous, name.epoch == previous.index.epoch {
            let lookup = store.lookup(name, window: previous)
            // Nothing more is made in an epoch that is over.
            return lookup == .notYet ? .expired : lookup
        }
        return store.lookup(name, window: current)
    }

    /// Which segment begins at a time; players that count by times may ask for the next one a moment before it begins.
    package func segment(at time: MediaTime, of epoch: Epoch) -> SegmentWindow.Moment {
        let isOfPrevious = epoch == previous?.index.epoch
        let moment = (isOfPrevious ? previous ?? current : current).segment(at: time, of: epoch)
        if case .segment = moment { return moment }
        if let sequence = store.sequence(at: time, of: epoch) { return .segment(sequence) }
        // Nothing more is made in an epoch that is over.
        return isOfPrevious && moment == .notYet ? .unknown : moment
    }

    /// Keeps an object the parent gave. False when it does not belong here.
    package mutating func insert(fetched name: ObjectName, _ bytes: ByteBuffer) -> Bool {
        guard name.epoch <= current.index.epoch else { return false }
        return store.insert(fetched: name, bytes, window: current)
    }

    private mutating func take(_ output: PackagerOutput) {
        sinceAsked?.append(output)
        current.receive(output)
        store.receive(output, epoch: current.index.epoch, window: current)
        if current.isPlayable, let last = previous, !store.holds(last.index.epoch) { previous = nil }
    }
}
