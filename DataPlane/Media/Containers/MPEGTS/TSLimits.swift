package import Timebase

/// What a demuxer keeps of a stream that does not go on as it should.
package struct TSLimits: Sendable {
    /// One coded picture: 4K intra at 400 Mbit/s stays below.
    package var accessUnitBytesMax = 8 << 20
    /// One audio frame with what is around it; the largest, an Opus packet of 120 ms, stays far below.
    package var audioPendingBytesMax = 64 << 10
    /// Bytes passed over in search of a packet before the input is called something else than a transport stream.
    package var skippedBytesMax = 256 << 10
    /// Packets without a track to play before the input is refused: about 10 s of 6 Mbit/s.
    package var packetsWithoutTrackMax = 40_000
    /// How long the first tracks that are known wait for the others that the program promises.
    package var announceAfter = MediaTime(seconds: 2)
    /// Units kept meanwhile.
    package var pendingUnitsMax = 512
    package var pendingBytesMax = 8 << 20
    /// Elementary streams one program may name.
    package var programStreamsMax = 64
    /// PES timestamps not yet taken by a unit that begins behind them.
    package var stampsMax = 64

    package init() {}
}
