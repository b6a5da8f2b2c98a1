package import struct NIOCore.ByteBuffer

/// `Message Type Id` (RTMP 1.0 §5.4, §7.1).
package enum MessageType: UInt8, Hashable, Sendable {
    case setChunkSize = 1
    case abort = 2
    case acknowledgement = 3
    case userControl = 4
    case windowAcknowledgementSize = 5
    case setPeerBandwidth = 6
    case audio = 8
    case video = 9
    case dataAMF3 = 15
    case commandAMF3 = 17
    case dataAMF0 = 18
    case commandAMF0 = 20
    case aggregate = 22
}

/// The stream within a connection that a message belongs to. 0 is the connection itself, 1 the one `createStream` makes.
package struct MessageStreamID: Hashable, Sendable {
    package var value: UInt32

    package init(_ value: UInt32) { self.value = value }

    package static let connection = MessageStreamID(0)
    package static let media = MessageStreamID(1)
}

/// A whole message as the chunk layer delivers it.
package struct RawMessage: Hashable, Sendable {
    /// A number rather than a `MessageType`: peers send types we do not know.
    package var type: UInt8
    package var streamID: MessageStreamID
    /// Milliseconds; wraps at 2^32.
    package var timestamp: UInt32
    package var payload: ByteBuffer

    package init(type: UInt8, streamID: MessageStreamID, timestamp: UInt32, payload: ByteBuffer) {
        self.type = type
        self.streamID = streamID
        self.timestamp = timestamp
        self.payload = payload
    }
}
