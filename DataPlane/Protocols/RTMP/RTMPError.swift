package import FLV

/// Why a session ended that should not have. `description` is for people; `label` names the reason in metrics.
package enum RTMPError: Error, Equatable, Sendable, CustomStringConvertible {
    // Handshake
    case unsupportedVersion(UInt8)
    case setupTimeout
    // Chunks
    case chunkSizeOutOfBounds(UInt32)
    case chunkStreamWithoutHeader(ChunkStreamID)
    case tooManyChunkStreams(limit: Int)
    case messageInterrupted(ChunkStreamID)
    case messageTooLong(type: UInt8, bytes: Int, limit: Int)
    case tooManyPartialBytes(limit: Int)
    // Messages
    case malformedMessage(type: UInt8)
    case malformedCommand(AMF0Error)
    case tooManyCommands(limit: Int)
    // Order of commands
    case unexpectedCommand(String)
    case mediaOutsidePublish
    case secondRequest
    case tooManyBytesBeforeDecision(limit: Int)
    // Names
    case missingApplication
    case nestedApplication
    case missingStreamName
    case nestedStreamName
    // Silence and refusals
    case peerSilent
    case refusedByPeer(code: String)

    package var description: String {
        switch self {
        case .unsupportedVersion(let version): "the handshake begins with version \(version); only 3 is spoken here"
        case .setupTimeout: "the peer did not get from connection to publish or play in time"
        case .chunkSizeOutOfBounds(let size): "the peer set a chunk size of \(size) bytes, outside the accepted range"
        case .chunkStreamWithoutHeader(let id):
            "chunk stream \(id.value) starts with a header that refers to an earlier one"
        case .tooManyChunkStreams(let limit): "the peer uses more than \(limit) chunk streams"
        case .messageInterrupted(let id): "a new message starts on chunk stream \(id.value) inside an unfinished one"
        case .messageTooLong(let type, let bytes, let limit):
            "a message of type \(type) announces \(bytes) bytes; the limit is \(limit)"
        case .tooManyPartialBytes(let limit): "unfinished messages together are over \(limit) bytes"
        case .malformedMessage(let type): "a message of type \(type) is too short for its fields"
        case .malformedCommand(let error): "a command cannot be read: \(error)"
        case .tooManyCommands(let limit): "more than \(limit) commands in one session"
        case .unexpectedCommand(let name): "the command '\(name)' is not allowed at this point"
        case .mediaOutsidePublish: "audio or video arrived before a publish was accepted"
        case .secondRequest: "a second publish or play on one connection; open another connection for it"
        case .tooManyBytesBeforeDecision(let limit):
            "more than \(limit) bytes arrived before the publish or play was answered"
        case .missingApplication: "the URL names no application; use rtmp://host/app/stream"
        case .nestedApplication: "the application has more than one path component; use rtmp://host/app/stream"
        case .missingStreamName: "the URL names no stream; use rtmp://host/app/stream"
        case .nestedStreamName: "the stream name contains '/'; use rtmp://host/app/stream"
        case .peerSilent: "nothing was heard from the peer for too long"
        case .refusedByPeer(let code): "the server refused with \(code)"
        }
    }

    package var label: String {
        switch self {
        case .unsupportedVersion: "unsupported_version"
        case .setupTimeout: "setup_timeout"
        case .chunkSizeOutOfBounds: "chunk_size_out_of_bounds"
        case .chunkStreamWithoutHeader: "chunk_stream_without_header"
        case .tooManyChunkStreams: "too_many_chunk_streams"
        case .messageInterrupted: "message_interrupted"
        case .messageTooLong: "message_too_long"
        case .tooManyPartialBytes: "too_many_partial_bytes"
        case .malformedMessage: "malformed_message"
        case .malformedCommand: "malformed_command"
        case .tooManyCommands: "too_many_commands"
        case .unexpectedCommand: "unexpected_command"
        case .mediaOutsidePublish: "media_outside_publish"
        case .secondRequest: "second_request"
        case .tooManyBytesBeforeDecision: "too_many_bytes_before_decision"
        case .missingApplication: "missing_application"
        case .nestedApplication: "nested_application"
        case .missingStreamName: "missing_stream_name"
        case .nestedStreamName: "nested_stream_name"
        case .peerSilent: "peer_silent"
        case .refusedByPeer: "refused_by_peer"
        }
    }
}
