/// Every bound a relay session keeps. Peers are nodes of ours, but what connects to the port may be anybody.
package struct RelayLimits: Sendable {
    /// A connection that has not said who it is, or a parent that has not said anything, is given up.
    package var helloTimeout = Duration.seconds(5)
    /// A child waits this long for yes or no from a parent that says it lives: more than the 10 s for which a worker holds
    /// a pull of a stream whose first media has not come.
    package var decisionTimeout = Duration.seconds(12)
    /// After this long without other bytes the parent says that it lives.
    package var parentKeepAlive = Duration.seconds(1)
    /// Three keep-alives missed: the child looks for another parent.
    package var parentSilenceMax = Duration.seconds(3)
    package var childKeepAlive = Duration.seconds(3)
    package var childSilenceMax = Duration.seconds(10)
    /// A hello is a few hundred octets; before it, nothing longer is read.
    package var helloBytesMax = 4 << 10
    /// What a child may send after its hello: names of objects.
    package var childFrameBytesMax = 4 << 10
    /// As RTMP's longest media message, with room for the header.
    package var parentFrameBytesMax = (16 << 20) + 64
    package var nameBytesMax = 256
    package var ticketBytesMax = 1024
    package var detailBytesMax = 1024
    package var hopsMax = 16
    /// As many as an owner tells of (`LiveStream.rungsGivenUpMax`), which is more than a ladder has.
    package var rungsMax = 32
    package var tracksMax = 64
    /// Objects a child may wait for at once.
    package var objectRequestsMax = 64
    /// An object as the child puts it together: a segment of 30 s at 20 Mbit/s is 75 MB; more is refused.
    package var objectBytesMax = 96 << 20
    /// All objects a child is being sent, together: what it has of them, and what its parent keeps to send.
    package var openObjectsBytesMax = 192 << 20
    /// Slices short enough that a live frame between two of them waits little.
    package var objectSliceBytes = 64 << 10
    /// Bytes that may wait unsent in the kernel before more are handed to it.
    package var unsentBytesMax = 32 << 10
    /// Slices of one object. Each costs the child memory of its own, however short; the longest object has 1536.
    package var objectSlicesMax = 4096

    package init() {}
}

/// What the peer of a relay session did wrong.
package enum RelayError: Error, Hashable, Sendable, CustomStringConvertible {
    case notARelay
    case unknownFrame(type: UInt8)
    case malformedFrame(type: UInt8)
    case frameTooLong(bytes: Int, limit: Int)
    case unexpectedFrame(type: UInt8)
    case textTooLong(bytes: Int, limit: Int)
    case tooManyHops(limit: Int)
    case tooManyRungs(limit: Int)
    case tooManyTracks(limit: Int)
    case duplicateTrack
    case unknownCodec(UInt8)
    case tooManyObjectRequests(limit: Int)
    case objectTooLong(limit: Int)
    case objectsTooLong(limit: Int)
    case tooManySlices(limit: Int)
    case tlsOnPlainPort
    case helloTimeout
    case decisionTimeout
    case peerSilent

    /// A stable word for metrics.
    package var label: String {
        switch self {
        case .notARelay: "not_a_relay"
        case .unknownFrame: "unknown_frame"
        case .malformedFrame: "malformed_frame"
        case .frameTooLong: "frame_too_long"
        case .unexpectedFrame: "unexpected_frame"
        case .textTooLong: "text_too_long"
        case .tooManyHops: "too_many_hops"
        case .tooManyRungs: "too_many_rungs"
        case .tooManyTracks: "too_many_tracks"
        case .duplicateTrack: "duplicate_track"
        case .unknownCodec: "unknown_codec"
        case .tooManyObjectRequests: "too_many_object_requests"
        case .objectTooLong: "object_too_long"
        case .objectsTooLong: "objects_too_long"
        case .tooManySlices: "too_many_slices"
        case .tlsOnPlainPort: "tls_on_plain_port"
        case .helloTimeout: "hello_timeout"
        case .decisionTimeout: "decision_timeout"
        case .peerSilent: "peer_silent"
        }
    }

    package var description: String {
        switch self {
        case .notARelay: "the peer does not speak the relay protocol: is this the right port?"
        case .unknownFrame(let type): "frame type \(type) is unknown: do both nodes run the same version?"
        case .malformedFrame(let type): "a frame of type \(type) cannot be read"
        case .frameTooLong(let bytes, let limit): "a frame of \(bytes) bytes is over the limit of \(limit)"
        case .unexpectedFrame(let type): "a frame of type \(type) came at the wrong time or from the wrong side"
        case .textTooLong(let bytes, let limit): "a text of \(bytes) bytes is over the limit of \(limit)"
        case .tooManyHops(let limit): "the stream came through more than \(limit) nodes"
        case .tooManyRungs(let limit): "more than \(limit) rungs are given up"
        case .tooManyTracks(let limit): "the stream has more than \(limit) tracks"
        case .duplicateTrack: "two tracks have the same id"
        case .unknownCodec(let code): "codec \(code) is unknown: do both nodes run the same version?"
        case .tooManyObjectRequests(let limit): "the child waits for more than \(limit) objects at once"
        case .objectTooLong(let limit): "an object is over \(limit) bytes"
        case .objectsTooLong(let limit): "the objects under way are over \(limit) bytes together"
        case .tooManySlices(let limit): "an object came in more than \(limit) slices"
        case .tlsOnPlainPort: "the peer speaks TLS and this relay port does not: set --relay-tls on both nodes or none"
        case .helloTimeout: "no hello, or no answer to one, came in time"
        case .decisionTimeout: "the parent lives but has not decided about the pull in time"
        case .peerSilent: "nothing was heard from the peer for too long"
        }
    }
}
