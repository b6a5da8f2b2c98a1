package import ClusterModel
package import MediaModel

/// Takes part in a live stream: an outlet that serves players, a relay to a child node, a packager, a recorder.
///
/// One subscriber serves all viewers of its format; viewers never subscribe one by one. All calls come on the stream's loop.
package protocol StreamSubscriber: AnyObject, Sendable {
    /// The next items, in order. Called once per batch of ingest.
    func stream(_ stream: LiveStream, sent items: [StreamItem])
    func stream(_ stream: LiveStream, noticed notice: StreamNotice)
    /// A picture of one of the video track's layers, on the node that has the publisher.
    func stream(_ stream: LiveStream, sentLayer unit: AccessUnit)
    /// The settings of the stream's app have changed.
    func stream(_ stream: LiveStream, applied settings: AppSettings)
}

extension StreamSubscriber {
    package func stream(_ stream: LiveStream, sentLayer unit: AccessUnit) {}
    package func stream(_ stream: LiveStream, applied settings: AppSettings) {}
}

/// What happened to a live stream beside its media.
package enum StreamNotice: Hashable, Sendable {
    /// A new owner continues the stream. Its first items follow: tracks, then a cut that opens a discontinuous segment.
    case epochChanged(Epoch)
    /// Another parent continues the same epoch.
    case parentChanged
    /// The stream comes to this node another way: through these nodes, from its owner to this node's parent.
    case pathChanged([String])
    /// The owner does not make these rungs for now; it makes all others that the stream is good for.
    case rungsGivenUp([String])
    /// Only the nodes that pull from here could still reach the stream: they must look for other parents.
    case outOfReach
    /// This node was the owner and a newer one exists: whoever pulls from here must pull from there.
    case fenced(Epoch)
    /// The publisher or the parent is away; it may come back.
    case interrupted
    /// It came back.
    case resumed
    /// Items are missing between the last ones and the next ones: do not package across.
    case gap
    /// Nothing will follow, ever.
    case ended(EndReason)
}

/// What a subscriber starts from.
package struct StreamSnapshot: Sendable {
    package var epoch: Epoch?
    package var phase: LiveStream.Phase
    /// Those of the first item.
    package var tracks: [Track]
    /// The stream since its current segment began, cut mark first.
    package var items: [StreamItem]
}
