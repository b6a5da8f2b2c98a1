import struct NIOCore.ByteBuffer

/// Protocol control messages that a session sends (RTMP 1.0 §5.4): one number each, on chunk stream 2, message stream 0.
enum ProtocolControl {
    static func setChunkSize(_ bytes: Int) -> ByteBuffer { encode(.setChunkSize, UInt32(bytes)) }

    /// All bytes received so far, wrapping at 2^32.
    static func acknowledgement(_ sequenceNumber: UInt32) -> ByteBuffer { encode(.acknowledgement, sequenceNumber) }

    static func windowAcknowledgementSize(_ bytes: UInt32) -> ByteBuffer { encode(.windowAcknowledgementSize, bytes) }

    static func setPeerBandwidth(_ bytes: UInt32) -> ByteBuffer {
        let dynamic: UInt8 = 2
        var payload = ByteBuffer(integer: bytes)
        payload.writeInteger(dynamic)
        return ChunkEncoder.encode(.setPeerBandwidth, on: .control, streamID: .connection, payload: payload)
    }

    private static func encode(_ type: MessageType, _ value: UInt32) -> ByteBuffer {
        ChunkEncoder.encode(type, on: .control, streamID: .connection, payload: ByteBuffer(integer: value))
    }
}
