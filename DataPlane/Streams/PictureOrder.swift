import Codecs
package import MediaModel
import Timebase

/// Whether a stream's pictures are decoded in another order than they are shown (B-frames), which some players do not take.
///
/// One picture that is shown before another that came earlier shows it for as long as the encoder's parameters stay. Until
/// then, as somebody may ask with the first picture, the parameter sets are believed, or where those say nothing, an offset
/// between decoding and showing. As many pictures in order as a decoder may hold back refute both: some encoders
/// promise less than they keep.
package struct PictureOrder: Sendable {
    /// ITU-T H.264 §A.3.1, H.265 §A.4.2: the largest buffer of decoded pictures.
    static let decodedPicturesMax = 16

    private var codec: CodecParameters?
    /// Nil where the parameter sets do not tell.
    private var isDeclared: Bool?
    private var hasOffset = false
    private var hasReordered = false
    private var inOrder = 0
    private var newest: MediaTime?

    package init() {}

    package var isReordered: Bool {
        hasReordered || inOrder <= Self.decodedPicturesMax && (isDeclared ?? hasOffset)
    }

    package mutating func learn(_ tracks: [Track]) {
        let codec = tracks.first { $0.id == .video }?.codec
        guard codec != self.codec else { return }
        self = Self()
        self.codec = codec
        isDeclared = codec?.reorderedPicturesMax.map { $0 > 0 }
    }

    package mutating func append(_ unit: AccessUnit) {
        guard unit.track == .video else { return }
        let time = unit.presentationTime
        if unit.compositionOffset != .zero { hasOffset = true }
        // A keyframe begins anew, also where the times do.
        if let newest, time < newest, !unit.isKeyframe { hasReordered = true } else { inOrder += 1 }
        newest = time
    }
}
