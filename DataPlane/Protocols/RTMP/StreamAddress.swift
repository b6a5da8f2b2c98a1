/// Which stream a peer asks for, from the forms in which clients split `rtmp://host/app/name?query`.
///
///     app "live"            name "s1?token=t"     ffmpeg, librtmp
///     app "live"            name "s1"             tcUrl "rtmp://host/live?token=t"
///     app "live?token=t"    name "s1"             OBS with the query in the server field
///     app "live/"           name "/s1"            a slash too many
package struct StreamAddress: Hashable, Sendable, CustomStringConvertible {
    package var app: String
    package var name: String
    /// Without the question mark; empty when there is none. May hold a token: never logged.
    package var query: String

    package init(app: String, name: String, query: String) {
        self.app = app
        self.name = name
        self.query = query
    }

    package var description: String { "\(app)/\(name)" }
}

/// What `connect` says about the application.
struct ApplicationName: Hashable {
    var name: String
    var query: String

    init(app: String, tcURL: String) throws(RTMPError) {
        let (path, query) = splitQuery(app)
        name = trimmingSlashes(path)
        guard !name.isEmpty else { throw .missingApplication }
        guard !name.contains("/") else { throw .nestedApplication }
        self.query = query.isEmpty ? splitQuery(tcURL).query : query
    }

    func stream(named text: String) throws(RTMPError) -> StreamAddress {
        let (path, query) = splitQuery(text)
        let stream = trimmingSlashes(path)
        guard !stream.isEmpty else { throw .missingStreamName }
        guard !stream.contains("/") else { throw .nestedStreamName }
        return StreamAddress(app: name, name: stream, query: query.isEmpty ? self.query : query)
    }
}

private func splitQuery(_ text: String) -> (path: Substring, query: String) {
    guard let mark = text.firstIndex(of: "?") else { return (text[...], "") }
    return (text[..<mark], String(text[text.index(after: mark)...]))
}

private func trimmingSlashes(_ text: Substring) -> String {
    var text = text
    while text.first == "/" { text.removeFirst() }
    while text.last == "/" { text.removeLast() }
    return String(text)
}
