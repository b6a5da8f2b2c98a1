package import Timebase

/// What flows through a live stream, in order, from ingest or relay to every subscriber.
package enum StreamItem: Hashable, Sendable {
    /// The full set of tracks from here on. Sent before the first unit and at each change.
    case tracks([Track])
    case unit(AccessUnit)
    case cut(CutMark)
}

/// Identifies one owner's tenure of a stream. Grows with every change of owner and never repeats.
package struct Epoch: Hashable, Comparable, Sendable {
    package var value: Int64

    package init(_ value: Int64) { self.value = value }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.value < rhs.value }
}

/// Where a next owner must continue the stream so that players see one growing timeline.
package struct ResumePoint: Hashable, Sendable {
    package var sequence: UInt64
    package var discontinuity: UInt64
    package var mediaTime: MediaTime

    package init(sequence: UInt64, discontinuity: UInt64, mediaTime: MediaTime) {
        self.sequence = sequence
        self.discontinuity = discontinuity
        self.mediaTime = mediaTime
    }

    package static let start = ResumePoint(sequence: 0, discontinuity: 0, mediaTime: .zero)
}

/// How a stream or a pull of it came to its end.
package enum EndReason: Hashable, Sendable {
    /// The publisher said it is done.
    case unpublished
    /// The publisher did not come back within the grace.
    case publisherLost
    /// A newer owner exists.
    case fenced(Epoch)
    /// The node that served it is going away; the stream lives on elsewhere.
    case draining
    /// Taken away by an operator or a policy.
    case removed
}
