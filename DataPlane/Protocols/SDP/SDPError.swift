/// Why a text is no session description. `description` says what to change; `label` names the reason in metrics.
package enum SDPError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooLong(bytes: Int, limit: Int)
    case lineTooLong(line: Int, limit: Int)
    case tooManyLines(limit: Int)
    case tooManyMedia(limit: Int)
    /// Not `v=0` in front, or a line that is not `letter=value`.
    case notSDP(line: Int)
    case malformedLine(line: Int, type: Character)
    case malformedAttribute(line: Int, name: String)

    package var description: String {
        switch self {
        case .tooLong(let bytes, let limit):
            "the session description has \(bytes) bytes or more; the limit is \(limit). Offer fewer codecs or media lines"
        case .lineTooLong(let line, let limit): "line \(line) of the session description is over \(limit) bytes"
        case .tooManyLines(let limit): "a media section has more than \(limit) lines"
        case .tooManyMedia(let limit): "the session description has more than \(limit) media lines; open more sessions"
        case .notSDP(let line):
            "line \(line) is not a line of a session description; send the SDP itself, as application/sdp, starting with v=0"
        case .malformedLine(let line, let type): "line \(line): '\(type)=' does not have the fields of RFC 8866"
        case .malformedAttribute(let line, let name): "line \(line): 'a=\(name)' cannot be read"
        }
    }

    package var label: String {
        switch self {
        case .tooLong: "too_long"
        case .lineTooLong: "line_too_long"
        case .tooManyLines: "too_many_lines"
        case .tooManyMedia: "too_many_media"
        case .notSDP: "not_sdp"
        case .malformedLine: "malformed_line"
        case .malformedAttribute: "malformed_attribute"
        }
    }
}
