/// What a caller asks for in its stream ID: `live/s1`, or the form of the SRT access control guideline,
/// `#!::r=live/s1,m=publish`.
package struct SRTStreamID: Hashable, Sendable {
    package enum Mode: Hashable, Sendable {
        case publish
        case request
        /// The plain form names no direction: whoever sends is a publisher.
        case undecided
    }

    package let app: String
    package let name: String
    package let mode: Mode
    package let token: String?

    /// 512 bytes are all that SRT carries (SRTO_STREAMID).
    package static let byteCountMax = 512
    private static let keyedPrefix = "#!::"

    package init(app: String, name: String, mode: Mode, token: String? = nil) {
        self.app = app
        self.name = name
        self.mode = mode
        self.token = token
    }

    package init(parsing text: String) throws(SRTStreamIDError) {
        guard text.utf8.count <= Self.byteCountMax else { throw .tooLong }
        guard !text.isEmpty else { throw .noResource }
        if text.hasPrefix(Self.keyedPrefix) {
            try self.init(keyed: text.dropFirst(Self.keyedPrefix.count))
        } else {
            try self.init(resource: text[...], mode: .undecided, token: nil)
        }
    }

    /// Keys of our own beside those of the guideline: `token`. Keys that say nothing here (`h`, `u`, `s`) are passed over.
    private init(keyed text: Substring) throws(SRTStreamIDError) {
        var resource: Substring?
        var mode = Mode.request
        var token: String?
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .malformed(String(pair)) }
            switch parts[0] {
            case "r": resource = parts[1]
            case "m":
                switch parts[1] {
                case "publish": mode = .publish
                case "request": mode = .request
                default: throw .unsupportedMode(String(parts[1]))
                }
            case "t":
                guard parts[1] == "stream" else { throw .unsupportedType(String(parts[1])) }
            case "token": token = String(parts[1])
            default: continue
            }
        }
        guard let resource else { throw .noResource }
        try self.init(resource: resource, mode: mode, token: token)
    }

    /// `app/name`, and behind `?`, `&` or `,` parameters as `token=…`.
    private init(resource: Substring, mode: Mode, token: String?) throws(SRTStreamIDError) {
        let parts = resource.split(maxSplits: 1) { $0 == "?" || $0 == "," || $0 == "&" }
        let path = parts.first?.split(separator: "/", omittingEmptySubsequences: false) ?? []
        // Many write a leading slash.
        let names = path.first?.isEmpty == true ? path.dropFirst() : path[...]
        guard names.count == 2, !names.contains(""), let app = names.first, let name = names.last else {
            throw .noResource
        }
        let parameters = parts.count > 1 ? parts[1].split { $0 == "&" || $0 == "," } : []
        let written = parameters.first { $0.hasPrefix("token=") }.map { String($0.dropFirst("token=".count)) }
        self.init(app: String(app), name: String(name), mode: mode, token: token ?? written)
    }
}

package enum SRTStreamIDError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooLong
    /// No `app/name`.
    case noResource
    case malformed(String)
    case unsupportedMode(String)
    case unsupportedType(String)

    package var rejection: SRTRejection {
        switch self {
        case .tooLong, .noResource, .malformed: .badRequest
        case .unsupportedMode: .badMode
        case .unsupportedType: .unsupportedMedia
        }
    }

    package var description: String {
        switch self {
        case .tooLong: "the stream ID is longer than \(SRTStreamID.byteCountMax) bytes"
        case .noResource:
            "the stream ID names no stream: write streamid=app/name or #!::r=app/name,m=publish (or m=request)"
        case .malformed(let part): "the stream ID has a part that is not key=value: '\(part)'"
        case .unsupportedMode(let mode): "mode '\(mode)' is not served: use m=publish or m=request"
        case .unsupportedType(let type): "type '\(type)' is not served: only t=stream is"
        }
    }
}
