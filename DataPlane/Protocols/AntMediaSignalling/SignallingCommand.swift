import struct Foundation.Data
import class Foundation.JSONDecoder

/// What a client says in one text frame: a JSON object whose `command` names it. Fields that a command does not use are
/// ignored, so that SDKs may say more than we know.
package enum SignallingCommand: Equatable, Sendable {
    case publish(StreamName, token: String?)
    case play(StreamName, token: String?)
    /// A session description: the offer of a publisher or the answer of a player.
    case takeConfiguration(StreamName, kind: DescriptionKind, sdp: String)
    /// A candidate of the client. Its checks come to us anyhow, since we are ICE-lite.
    case takeCandidate(StreamName)
    case stop(StreamName)
    case getStreamInfo(StreamName)
    /// The player wants pictures of so many lines; nil leaves the choice to us again.
    case forceStreamQuality(StreamName, height: Int?)
    case getIceServerConfig
    case ping

    /// As the client wrote it; whether it may be one is the gate's business.
    package typealias StreamName = String

    package enum DescriptionKind: String, Decodable, Sendable {
        case offer
        case answer
    }

    package init(parsing text: String) throws(SignallingError) {
        let fields: Fields
        do {
            fields = try JSONDecoder().decode(Fields.self, from: Data(text.utf8))
        } catch { throw .notACommand }
        self = try fields.command(of: fields.command)
    }
}

private struct Fields: Decodable {
    var command: String
    var streamId: String?
    var token: String?
    var type: String?
    var sdp: String?
    var streamHeight: Int?

    func command(of name: String) throws(SignallingError) -> SignallingCommand {
        switch name {
        case "publish": .publish(try stream(), token: usableToken)
        case "play": .play(try stream(), token: usableToken)
        case "takeConfiguration":
            .takeConfiguration(try stream(), kind: try descriptionKind(), sdp: try description())
        case "takeCandidate": .takeCandidate(try stream())
        case "stop": .stop(try stream())
        case "getStreamInfo": .getStreamInfo(try stream())
        case "forceStreamQuality":
            .forceStreamQuality(try stream(), height: streamHeight.flatMap { $0 > 0 ? $0 : nil })
        case "getIceServerConfig": .getIceServerConfig
        case "ping": .ping
        default: throw .unknownCommand(String(name.prefix(64)), streamID: streamId)
        }
    }

    private func stream() throws(SignallingError) -> String {
        guard let streamId, !streamId.isEmpty else { throw .noStreamName }
        return streamId
    }

    /// The SDK sends an empty one when it has none, and the word `null` from a form.
    private var usableToken: String? {
        token.flatMap { $0.isEmpty || $0 == "null" ? nil : $0 }
    }

    private func descriptionKind() throws(SignallingError) -> SignallingCommand.DescriptionKind {
        guard let type, let kind = SignallingCommand.DescriptionKind(rawValue: type) else {
            throw .badDescription(streamID: streamId)
        }
        return kind
    }

    private func description() throws(SignallingError) -> String {
        guard let sdp, !sdp.isEmpty else { throw .badDescription(streamID: streamId) }
        return sdp
    }
}
