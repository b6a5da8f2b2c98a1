import FLV
package import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// Whole RTMP messages as pieces to be written one after the other, made once and shared by all players of a stream.
///
/// That works because every player has the same message stream, chunk size and chunk streams, and no header refers to an
/// earlier one. Payload pieces share the access unit's storage.
package enum RTMPWireForm {
    package static func pieces(for unit: AccessUnit, track: Track) -> [ByteBuffer] {
        var head = ByteBuffer()
        FLVBodyHeader.write(for: unit, codec: track.codec, into: &head)
        let timestamp = unit.decodeTime.flvTimestamp
        return pieces(track.kind, timestamp: timestamp, head: head, payload: unit.payload)
    }

    /// `onMetaData` and the sequence headers of all tracks: what a player needs before the first frame, and again when the
    /// tracks change.
    package static func headers(for tracks: [Track], timestamp: UInt32) -> ByteBuffer {
        var bodies = [(TrackKind.data, FLVMetadata.body(for: tracks))]
        for track in tracks {
            if let body = FLVBodyHeader.sequenceHeader(for: track.codec) { bodies.append((track.kind, body)) }
        }
        var whole = ByteBuffer()
        for (kind, body) in bodies {
            for piece in pieces(kind, timestamp: timestamp, head: ByteBuffer(), payload: body) {
                whole.writeImmutableBuffer(piece)
            }
        }
        return whole
    }

    /// A message whose body is `head` followed by `payload`.
    static func pieces(
        _ kind: TrackKind,
        timestamp: UInt32,
        head: ByteBuffer,
        payload: ByteBuffer
    ) -> [ByteBuffer] {
        let (type, chunkStreamID): (MessageType, ChunkStreamID) =
            switch kind {
            case .audio: (.audio, .audio)
            case .video: (.video, .video)
            case .data: (.dataAMF0, .data)
            }
        return ChunkEncoder.pieces(
            type,
            on: chunkStreamID,
            streamID: .media,
            timestamp: timestamp,
            head: head.readableBytesView,
            payload: payload
        )
    }
}
