/// Every bound on a session description from outside.
package struct SDPLimits: Sendable {
    /// Chromium's longest offers, of two lines with every codec, have 7 KiB; conferences with twenty have 100.
    package var bytesMax = 256 << 10
    /// Parameter sets in `fmtp` make the longest lines; those of HEVC at 8K stay below 1 KiB.
    package var lineBytesMax = 8 << 10
    package var mediaCountMax = 64
    /// Lines per media section. Chromium writes 190 for video.
    package var linesPerMediaMax = 1_000
    /// Of one payload type, so that wildcards cannot multiply. Chromium names five.
    package var feedbackCountMax = 32
    /// A trickle fragment carries a handful of candidates.
    package var fragmentBytesMax = 32 << 10

    package init() {}
}
