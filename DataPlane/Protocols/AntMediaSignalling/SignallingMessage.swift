import class Foundation.JSONEncoder

/// What the server says in one text frame.
package enum SignallingMessage: Equatable, Sendable {
    /// The publisher may make its offer.
    case start(streamID: String)
    case takeConfiguration(streamID: String, kind: SignallingCommand.DescriptionKind, sdp: String)
    case notification(Notification, streamID: String)
    case error(definition: String, streamID: String?, code: String? = nil, information: String)
    case streamInformation(streamID: String, [StreamInfo])
    case iceServerConfig(IceServer?)
    case pong

    package enum Notification: String, Sendable {
        case publishStarted = "publish_started"
        case publishFinished = "publish_finished"
        case playStarted = "play_started"
        case playFinished = "play_finished"
    }

    /// One rendition; rates in bit/s, 0 where unknown.
    package struct StreamInfo: Equatable, Encodable, Sendable {
        package var streamWidth: Int
        package var streamHeight: Int
        package var videoBitrate: Int
        package var audioBitrate: Int
        package var videoCodec: String

        package init(streamWidth: Int, streamHeight: Int, videoBitrate: Int, audioBitrate: Int, videoCodec: String) {
            self.streamWidth = streamWidth
            self.streamHeight = streamHeight
            self.videoBitrate = videoBitrate
            self.audioBitrate = audioBitrate
            self.videoCodec = videoCodec
        }
    }

    package struct IceServer: Equatable, Sendable {
        package var uri: String
        package var username: String?
        package var credential: String?

        package init(uri: String, username: String? = nil, credential: String? = nil) {
            self.uri = uri
            self.username = username
            self.credential = credential
        }
    }

    /// The frame's text.
    package var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Plain fields of strings and numbers always encode.
        return (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private var fields: MessageFields {
        switch self {
        case .start(let id): MessageFields("start", streamId: id)
        case .takeConfiguration(let id, let kind, let sdp):
            MessageFields("takeConfiguration", streamId: id, type: kind.rawValue, sdp: sdp)
        case .notification(let notification, let id):
            MessageFields("notification", streamId: id, definition: notification.rawValue)
        case .error(let definition, let id, let code, let information):
            MessageFields("error", streamId: id, definition: definition, errorCode: code, information: information)
        case .streamInformation(let id, let infos):
            MessageFields("streamInformation", streamId: id, streamInfo: infos)
        case .iceServerConfig(let server):
            MessageFields(
                "iceServerConfig",
                stunServerUri: server?.uri ?? "",
                turnServerUsername: server?.username ?? "",
                turnServerCredential: server?.credential ?? ""
            )
        case .pong: MessageFields("pong")
        }
    }
}

/// Every field a message may have; those that are nil are left out.
private struct MessageFields: Encodable {
    enum CodingKeys: String, CodingKey {
        case command, streamId, type, sdp, definition, information, streamInfo
        case errorCode = "error_code"
        case stunServerUri, turnServerUsername, turnServerCredential
    }

    var command: String
    var streamId: String?
    var type: String?
    var sdp: String?
    var definition: String?
    var errorCode: String?
    var information: String?
    var streamInfo: [SignallingMessage.StreamInfo]?
    var stunServerUri: String?
    var turnServerUsername: String?
    var turnServerCredential: String?

    init(
        _ command: String,
        streamId: String? = nil,
        type: String? = nil,
        sdp: String? = nil,
        definition: String? = nil,
        errorCode: String? = nil,
        information: String? = nil,
        streamInfo: [SignallingMessage.StreamInfo]? = nil,
        stunServerUri: String? = nil,
        turnServerUsername: String? = nil,
        turnServerCredential: String? = nil
    ) {
        self.command = command
        self.streamId = streamId
        self.type = type
        self.sdp = sdp
        self.definition = definition
        self.errorCode = errorCode
        self.information = information
        self.streamInfo = streamInfo
        self.stunServerUri = stunServerUri
        self.turnServerUsername = turnServerUsername
        self.turnServerCredential = turnServerCredential
    }
}
