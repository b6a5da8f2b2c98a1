package import MediaModel
package import NIOCore

/// Gives out a stream's HLS and DASH objects to child nodes, on the stream's loop.
package protocol StreamObjects: AnyObject, Sendable {
    /// Answers once, now or later, on the stream's loop.
    func object(named name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void)
}

/// The parent a stream is pulled from: what is asked of it besides its media. Used on the stream's loop.
package protocol StreamUpstream: AnyObject, Sendable {
    /// Tells the parent whether anybody at or below this node needs older segments.
    func wantObjects(_ isWanted: Bool)
    /// Asks for one object. Answers once, on the stream's loop; `.missing` also when the pull ends first.
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void)
    /// A player at or below this node cannot decode on without a keyframe. At most once a second.
    func wantKeyframe()
    /// The nodes the stream came through, from its owner to the parent.
    var hops: [String] { get }
    /// The tracks the pull asked for; empty for all.
    var chosenTracks: [TrackID] { get }
}

package enum ObjectAnswer: Sendable {
    /// The object's bytes, in pieces that share storage with the packager.
    case bytes([ByteBuffer])
    case missing
}
