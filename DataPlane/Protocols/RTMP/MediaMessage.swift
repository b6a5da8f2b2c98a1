import Bytes
import FLV
package import MediaModel

package import struct NIOCore.ByteBuffer

/// Audio, video or metadata of the stream, as it stood in a message.
package struct MediaMessage: Hashable, Sendable {
    package var kind: TrackKind
    /// Milliseconds; wraps at 2^32.
    package var timestamp: UInt32
    /// An FLV tag body: `FLVMediaTag` reads audio and video; data is AMF0, without the `@setDataFrame` in front.
    package var payload: ByteBuffer

    package init(kind: TrackKind, timestamp: UInt32, payload: ByteBuffer) {
        self.kind = kind
        self.timestamp = timestamp
        self.payload = payload
    }

    /// Whether a decoder can begin here, or at the message after it: legacy and Enhanced RTMP say it in the same three bits.
    package var isKeyframe: Bool {
        guard kind == .video, let first = payload.getInteger(at: payload.readerIndex, as: UInt8.self) else {
            return false
        }
        return (first >> 4) & 0x07 == 1
    }

    /// Hands over the media a message carries, in order.
    static func forEach(in message: RawMessage, _ body: (MediaMessage) -> Void) throws(RTMPError) {
        let payload = message.payload
        switch MessageType(rawValue: message.type) {
        case .audio: body(MediaMessage(kind: .audio, timestamp: message.timestamp, payload: payload))
        case .video: body(MediaMessage(kind: .video, timestamp: message.timestamp, payload: payload))
        case .dataAMF0: data(payload, timestamp: message.timestamp).map(body)
        case .dataAMF3: data(payload.withoutAMF3Mark, timestamp: message.timestamp).map(body)
        case .aggregate: try aggregate(message, body)
        case .setChunkSize, .abort, .acknowledgement, .userControl, .windowAcknowledgementSize, .setPeerBandwidth,
            .commandAMF3, .commandAMF0, nil:
            return
        }
    }

    private static func data(_ payload: ByteBuffer, timestamp: UInt32) -> MediaMessage? {
        var decoder = AMF0Decoder(payload)
        let name = try? decoder.value().string
        switch name {
        // Publishers ask a server to keep the frame for later players; players expect it without this word.
        case "@setDataFrame": return MediaMessage(kind: .data, timestamp: timestamp, payload: decoder.rest)
        case "@clearDataFrame", nil: return nil
        default: return MediaMessage(kind: .data, timestamp: timestamp, payload: payload)
        }
    }

    /// Far more than the second or so of media that servers put together; an empty tag costs more than its bytes.
    private static let aggregateTagCountMax = 1000

    /// An aggregate is a run of FLV tags (RTMP 1.0 §7.1.6); the message's timestamp is that of the first.
    private static func aggregate(_ message: RawMessage, _ deliver: (MediaMessage) -> Void) throws(RTMPError) {
        var reader = ByteReader(message.payload)
        var count = 0
        var offset: UInt32?
        while !reader.isEmpty {
            do {
                count += 1
                guard count <= aggregateTagCountMax else { throw RTMPError.malformedMessage(type: message.type) }
                let header = try FLVTagHeader(decoding: &reader)
                let body = try reader.slice(header.bodyLength)
                try reader.skip(4)
                let shift = offset ?? (message.timestamp &- header.timestamp)
                offset = shift
                switch header.type {
                case .audio, .video:
                    let kind: TrackKind = header.type == .audio ? .audio : .video
                    deliver(MediaMessage(kind: kind, timestamp: header.timestamp &+ shift, payload: body))
                case .data: data(body, timestamp: header.timestamp &+ shift).map(deliver)
                case nil: continue
                }
            } catch { throw .malformedMessage(type: message.type) }
        }
    }
}

extension ByteBuffer {
    /// AMF3 messages of live clients are AMF0 behind one zero byte (RTMP 1.0 §7.1.1).
    var withoutAMF3Mark: ByteBuffer {
        guard getInteger(at: readerIndex, as: UInt8.self) == 0 else { return self }
        return getSlice(at: readerIndex + 1, length: readableBytes - 1) ?? self
    }
}
