package import Timebase

package import struct NIOCore.ByteBuffer

/// One coded picture or audio frame, the smallest thing the hub moves.
package struct AccessUnit: Hashable, Sendable {
    package var track: TrackID
    /// When to decode, on the stream's repaired timeline. Never decreases within a track.
    package var decodeTime: MediaTime
    /// When to show, minus `decodeTime`. Zero without B-frames, and for audio.
    package var compositionOffset: MediaTime
    /// Decoding can start here. Always true for audio.
    package var isKeyframe: Bool
    /// H.264/H.265: NAL units behind 4-byte lengths. AV1: low-overhead OBUs of one temporal unit. VP8 and VP9: the frame as
    /// the codec wrote it. AAC: one raw frame. MP3, AC-3 and Opus: one frame or packet. Data: an AMF0 body. Shared, never
    /// mutated.
    package var payload: ByteBuffer
    /// Of few units, as it follows from there for those between them; of none where the publisher does not tell it.
    package var captureTime: AbsoluteCaptureTime?

    package init(
        track: TrackID,
        decodeTime: MediaTime,
        compositionOffset: MediaTime = .zero,
        isKeyframe: Bool,
        payload: ByteBuffer,
        captureTime: AbsoluteCaptureTime? = nil
    ) {
        self.track = track
        self.decodeTime = decodeTime
        self.compositionOffset = compositionOffset
        self.isKeyframe = isKeyframe
        self.payload = payload
        self.captureTime = captureTime
    }

    package var presentationTime: MediaTime { decodeTime + compositionOffset }
}
