import Bytes

package import struct NIOCore.ByteBuffer

/// User Control Messages (RTMP 1.0 §6.2, §7.1.7): a 16-bit event type and its fields.
package enum UserControl: Hashable, Sendable {
    case streamBegin(MessageStreamID)
    case streamEOF(MessageStreamID)
    case streamDry(MessageStreamID)
    case setBufferLength(MessageStreamID, milliseconds: UInt32)
    case streamIsRecorded(MessageStreamID)
    /// The number comes back in the response; it is the sender's own clock.
    case pingRequest(UInt32)
    case pingResponse(UInt32)
    case unknown(UInt16)

    package init(decoding payload: ByteBuffer) throws(RTMPError) {
        var reader = ByteReader(payload)
        do {
            switch try reader.integer(as: UInt16.self) {
            case 0: self = .streamBegin(MessageStreamID(try reader.integer()))
            case 1: self = .streamEOF(MessageStreamID(try reader.integer()))
            case 2: self = .streamDry(MessageStreamID(try reader.integer()))
            case 3:
                self = .setBufferLength(MessageStreamID(try reader.integer()), milliseconds: try reader.integer())
            case 4: self = .streamIsRecorded(MessageStreamID(try reader.integer()))
            case 6: self = .pingRequest(try reader.integer())
            case 7: self = .pingResponse(try reader.integer())
            case let type: self = .unknown(type)
            }
        } catch { throw .malformedMessage(type: MessageType.userControl.rawValue) }
    }

    /// The whole message, ready to be sent.
    package func encoded() -> ByteBuffer {
        var payload = ByteBuffer()
        switch self {
        case .streamBegin(let id): payload.writeMultipleIntegers(UInt16(0), id.value)
        case .streamEOF(let id): payload.writeMultipleIntegers(UInt16(1), id.value)
        case .streamDry(let id): payload.writeMultipleIntegers(UInt16(2), id.value)
        case .setBufferLength(let id, let milliseconds):
            payload.writeMultipleIntegers(UInt16(3), id.value, milliseconds)
        case .streamIsRecorded(let id): payload.writeMultipleIntegers(UInt16(4), id.value)
        case .pingRequest(let time): payload.writeMultipleIntegers(UInt16(6), time)
        case .pingResponse(let time): payload.writeMultipleIntegers(UInt16(7), time)
        case .unknown(let type): payload.writeInteger(type)
        }
        return ChunkEncoder.encode(.userControl, on: .control, streamID: .connection, payload: payload)
    }
}
