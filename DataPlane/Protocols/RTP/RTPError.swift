/// Why a packet or frame of a peer, or a frame of ours, could not be carried.
package enum RTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes ended inside the structure.
    case truncated(Structure)
    /// A field has a value that its specification does not allow.
    case malformed(Structure, String)
    /// The frame does not fit the packetization the peers agreed on.
    case cannotPacketize(String)
    /// A frame grew beyond the limit while it was put together.
    case frameTooLarge(bytesMax: Int)

    package enum Structure: String, Hashable, Sendable {
        case packet = "RTP packet"
        case headerExtension = "RTP header extension"
        case rtcp = "RTCP packet"
        case transportFeedback = "transport-wide feedback"
        case retransmission = "RTX packet"
        case h264 = "H.264 RTP payload"
        case h265 = "HEVC RTP payload"
        case vp8 = "VP8 RTP payload"
        case vp9 = "VP9 RTP payload"
        case av1 = "AV1 RTP payload"
        case opus = "Opus RTP payload"
    }

    package var description: String {
        switch self {
        case .truncated(let structure): "\(structure.rawValue) ends too early; the packet was dropped"
        case .malformed(let structure, let reason): "\(structure.rawValue) is malformed: \(reason); it was dropped"
        case .cannotPacketize(let reason): "the frame cannot be sent: \(reason)"
        case .frameTooLarge(let bytesMax):
            "the frame grew beyond \(bytesMax) bytes and was dropped; lower the publisher's bitrate"
        }
    }

    /// Runs a parser and turns its running out of bytes into `.truncated(structure)`.
    static func reading<Value>(_ structure: Structure, _ parse: () throws -> Value) throws(RTPError) -> Value {
        do {
            return try parse()
        } catch let error as RTPError {
            throw error
        } catch {
            throw .truncated(structure)
        }
    }
}
