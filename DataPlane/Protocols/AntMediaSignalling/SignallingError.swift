/// What a client did that the dialogue does not allow, with the `definition` its SDK knows.
package enum SignallingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `streamId` already plays on this connection.
    case alreadyPlaying(streamID: String)
    case alreadyPublishing(streamID: String)
    /// An answer without an offer, an offer without `publish`, or a description without `type` and `sdp`.
    case badDescription(streamID: String?)
    case noStreamName
    case notACommand
    /// The client asked and then said nothing for too long.
    case timedOut(streamID: String, isPublish: Bool)
    case tooManyStreams(limit: Int, streamID: String)
    case unknownCommand(String, streamID: String?)

    package var definition: String {
        switch self {
        case .alreadyPlaying: "already_playing"
        case .alreadyPublishing: "already_publishing"
        case .badDescription: "notSetRemoteDescription"
        case .noStreamName: "noStreamNameSpecified"
        case .notACommand, .unknownCommand: "not_supported"
        case .timedOut(_, let isPublish): isPublish ? "publishTimeoutError" : "notSetRemoteDescription"
        case .tooManyStreams: "highResourceUsage"
        }
    }

    package var streamID: String? {
        switch self {
        case .alreadyPlaying(let id), .alreadyPublishing(let id), .timedOut(let id, _), .tooManyStreams(_, let id): id
        case .badDescription(let id), .unknownCommand(_, let id): id
        case .noStreamName, .notACommand: nil
        }
    }

    package var description: String {
        switch self {
        case .alreadyPlaying: "this connection plays the stream already: stop it first"
        case .alreadyPublishing: "this connection publishes the stream already: stop it first"
        case .badDescription:
            "takeConfiguration needs type and sdp, an offer after publish or an answer after our offer"
        case .noStreamName: "the command needs a streamId"
        case .notACommand: "a text frame is a JSON object with a command, as {\"command\":\"ping\"}"
        case .timedOut(_, let isPublish):
            isPublish
                ? "no offer came after publish: send takeConfiguration" : "no answer came: send takeConfiguration"
        case .tooManyStreams(let limit, _): "a connection carries \(limit) streams: open another one"
        case .unknownCommand(let name, _):
            "'\(name)' is not known here: publish, play, takeConfiguration, takeCandidate, stop, getStreamInfo, "
                + "forceStreamQuality, getIceServerConfig and ping are"
        }
    }
}
