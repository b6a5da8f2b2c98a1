/// Addresses outside of the cluster, as operators give them.
package enum OutsideURL {
    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case noHost
        case noStreamName
        case scheme(String)
        /// Of an SRT URL; what is wrong with it, and what is allowed.
        case option(String)

        package var description: String {
            switch self {
            case .noHost: "the URL names no host and port: write scheme://host:port/…"
            case .noStreamName: "an RTMP URL must name app and stream: rtmp://host/app/name"
            case .scheme(let scheme): "\(scheme) is not spoken with servers outside of the cluster"
            case .option(let words): "options of the SRT URL: \(words)"
            }
        }
    }

    /// A URL taken apart. User and password are left out: they have no meaning here.
    package struct Parts: Hashable, Sendable {
        /// In small letters.
        package var scheme: String
        package var host: String
        package var port: Int
        /// Without empty ones.
        package var path: [String]
        package var query: Substring
    }

    private static let bytesMax = 2048
    /// By scheme; nil where each server has its own.
    private static let ports: [String: Int?] = ["rtmp": 1935, "rtmps": 443, "srt": nil, "http": 80, "https": 443]

    package static func parts(of url: String) throws(Fault) -> Parts {
        guard let mark = url.firstRange(of: "://") else { throw .noHost }
        let scheme = url[..<mark.lowerBound].lowercased()
        guard let standard = ports[scheme] else { throw .scheme(scheme) }
        let rest = url[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let behind = rest[authority.endIndex...]
        let path = behind.prefix { $0 != "?" }
        let (host, port) = try place(authority, standard: standard)
        let names = path.split(separator: "/").map(String.init)
        if scheme.hasPrefix("rtmp"), names.count < 2 { throw .noStreamName }
        let query = behind[path.endIndex...].dropFirst()
        return Parts(scheme: scheme, host: host, port: port, path: names, query: query)
    }

    private static func place(_ authority: Substring, standard: Int?) throws(Fault) -> (String, Int) {
        // An IPv6 address stands in brackets.
        let place = authority.split(separator: "@").last ?? ""
        let isBracketed = place.hasPrefix("[")
        let host = isBracketed ? place.dropFirst().prefix { $0 != "]" } : place.prefix { $0 != ":" }
        let behind = isBracketed ? place[host.endIndex...].dropFirst() : place[host.endIndex...]
        guard !host.isEmpty, behind.isEmpty || behind.first == ":", !isBracketed || place.contains("]") else {
            throw .noHost
        }
        let port = behind.isEmpty ? standard : Int(behind.dropFirst())
        guard let port, (1...65_535).contains(port) else { throw .noHost }
        return (String(host), port)
    }

    /// Why it can never work, as a sentence; nil when it may.
    static func fault(_ url: String, of field: String, schemes: [String]) -> String? {
        let isClean = url.utf8.count <= bytesMax && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isClean, schemes.contains(where: { url.lowercased().hasPrefix("\($0)://") }) else {
            let allowed = schemes.map { "\($0)://" }.joined(separator: ", ")
            return
                "url of \(field) must begin with \(allowed) and name a host, in at most \(bytesMax) characters of ASCII"
        }
        do throws(Fault) {
            let parts = try parts(of: url)
            if parts.scheme == "srt" { _ = try SRTOptions(parts.query) }
        } catch { return "url of \(field): \(error)" }
        return nil
    }

    /// Without what may be a secret: user and password, the query, and of RTMP the last part of the path.
    package static func shown(_ url: String) -> String {
        let bare = url.prefix { $0 != "?" && $0 != "#" }
        var parts = bare.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 2 else { return "…" }
        // The last sign: a password may hold it itself.
        if let sign = parts[2].lastIndex(of: "@") { parts[2] = parts[2][parts[2].index(after: sign)...] }
        if parts.count > 4, parts[0].lowercased().hasPrefix("rtmp") { parts[parts.count - 1] = "…" }
        return parts.joined(separator: "/") + (bare.endIndex < url.endIndex ? "?…" : "")
    }
}
