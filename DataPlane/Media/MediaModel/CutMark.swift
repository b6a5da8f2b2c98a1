package import Timebase

/// Where the origin cut the stream. Every node packages by these marks, so every node makes the same bytes.
///
/// A mark stands in the stream's order immediately before the first access unit of the part it opens.
package struct CutMark: Hashable, Sendable {
    /// Media sequence number of the segment the opened part belongs to.
    package var sequence: UInt64
    /// Number of the opened part in its segment; 0 opens a new segment.
    package var part: UInt32
    /// EXT-X-DISCONTINUITY-SEQUENCE of the segment.
    package var discontinuity: UInt64
    /// True when the timeline or the codecs break right before this segment. Only with part 0.
    package var isDiscontinuous: Bool
    /// Decode time at which the opened part starts, and so the previous one ends.
    package var mediaTime: MediaTime
    /// Wall clock of the origin at the start of the segment (EXT-X-PROGRAM-DATE-TIME). Same for all parts of a segment.
    package var wallTime: WallTime
    /// The oldest segment the origin can still give out; playlists of all nodes start there.
    package var oldestSequence: UInt64

    package init(
        sequence: UInt64,
        part: UInt32,
        discontinuity: UInt64,
        isDiscontinuous: Bool,
        mediaTime: MediaTime,
        wallTime: WallTime,
        oldestSequence: UInt64
    ) {
        self.sequence = sequence
        self.part = part
        self.discontinuity = discontinuity
        self.isDiscontinuous = isDiscontinuous
        self.mediaTime = mediaTime
        self.wallTime = wallTime
        self.oldestSequence = oldestSequence
    }
}
