package import FLV

/// Every bound an RTMP session keeps.
package struct RTMPLimits: Sendable {
    /// From the first byte to publish or play; a peer that has not asked by then never will.
    package var setupTimeout = Duration.seconds(10)
    /// The handshake alone. Two round trips, also from far away.
    package var handshakeTimeout = Duration.seconds(5)
    /// A publisher this silent has lost its network; TCP would notice only minutes later.
    package var publisherSilenceMax = Duration.seconds(20)
    /// How long media may go on to come after the publisher has said the end.
    package var mediaAfterEndMax = Duration.seconds(5)
    /// A player says nothing but acknowledgements and answers to pings, and some answer late while paused.
    package var playerSilenceMax = Duration.seconds(60)
    /// Publishers send one message a frame; 4K keyframes at high quality stay well below.
    package var mediaMessageBytesMax = 16 << 20
    /// `onMetaData` is the longest of these; cue points and captions are shorter.
    package var dataMessageBytesMax = 256 << 10
    package var commandMessageBytesMax = 64 << 10
    /// Unfinished messages of all chunk streams together, so that interleaving cannot multiply the limit above.
    package var partialBytesMax = 24 << 20
    /// Encoders use four to six.
    package var chunkStreamCountMax = 64
    /// 128 is the protocol's default; OBS sends 4,096, ffmpeg 60,000. Below 128 headers would outweigh the content.
    package var chunkSizeRange: ClosedRange<UInt32> = 128...(16 << 20)
    /// A session needs about ten; players that pause and seek send more.
    package var commandCountMax = 1000
    /// Encoders that do not wait for the answer to `publish` have sent at most a few seconds of media by then.
    package var bytesBeforeDecisionMax = 4 << 20
    package var amf0 = AMF0Limits()

    package init() {}
}
