package import Codecs
import DequeModule
package import MediaModel
package import Timebase
package import Transcoding

/// Carries notes that pictures are to be shown turned past an encoder, which loses them: players that follow them would turn a
/// rung's pictures back.
package struct OrientationNotes: Sendable {
    private struct Note: Sendable {
        var orientation: DisplayOrientation
        /// Of showing.
        var time: MediaTime
    }

    /// Four seconds of pictures that all have one; encoders hold back less.
    private static let countMax = 256

    private var notes: Deque<Note> = []

    package init() {}

    /// The source's picture of this time has one.
    package mutating func note(_ orientation: DisplayOrientation, at time: MediaTime) {
        if notes.count >= Self.countMax { notes.removeFirst() }
        notes.append(Note(orientation: orientation, time: time))
    }

    /// An encoded picture, with the note of the source's picture of the same time.
    package mutating func noted(_ picture: EncodedPicture, codec: CodecParameters) -> EncodedPicture {
        guard let place = notes.firstIndex(where: { $0.time == picture.presentationTime }) else { return picture }
        var picture = picture
        picture.payload = notes.remove(at: place).orientation.inserted(into: picture.payload, of: codec)
        return picture
    }
}
