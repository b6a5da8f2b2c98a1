/// What a player must know of a playlist (RFC 8216) to follow it. Pure.
package enum HLSSource: Hashable, Sendable {
    package struct Segment: Hashable, Sendable {
        package var sequence: UInt64
        package var uri: String
        /// Of the initialization section; nil for MPEG-TS.
        package var map: String?

        package init(sequence: UInt64, uri: String, map: String?) {
            self.sequence = sequence
            self.uri = uri
            self.map = map
        }
    }

    package struct Media: Hashable, Sendable {
        /// Seconds.
        package var targetDuration: Double
        package var segments: [Segment]
        package var isEnded: Bool

        package init(targetDuration: Double, segments: [Segment], isEnded: Bool) {
            self.targetDuration = targetDuration
            self.segments = segments
            self.isEnded = isEnded
        }
    }

    package struct Variant: Hashable, Sendable {
        package var uri: String
        /// Of its sound, where that is a playlist of its own.
        package var soundURI: String?

        package init(uri: String, soundURI: String? = nil) {
            self.uri = uri
            self.soundURI = soundURI
        }
    }

    /// The variant with the highest bandwidth.
    case variants(best: Variant)
    case media(Media)

    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case noPlaylist
        case encrypted
        case byteRanges

        package var description: String {
            switch self {
            case .noPlaylist: "the URL does not lead to an HLS playlist"
            case .encrypted: "the playlist's segments are encrypted, which is not understood"
            case .byteRanges: "the playlist names parts of files (EXT-X-BYTERANGE), which is not understood"
            }
        }
    }

    /// A playlist of more lines is a recording of days, not a live stream.
    private static let linesMax = 50_000

    package init(parsing text: String) throws(Fault) {
        let lines = text.split(maxSplits: Self.linesMax, whereSeparator: \.isNewline)
        guard lines.first?.hasPrefix("#EXTM3U") == true else { throw .noPlaylist }
        if lines.contains(where: { $0.hasPrefix("#EXT-X-STREAM-INF:") }) {
            guard let best = Self.bestVariant(lines) else { throw .noPlaylist }
            self = .variants(best: best)
        } else {
            self = .media(try Self.media(lines))
        }
    }

    private static func bestVariant(_ lines: [Substring]) -> Variant? {
        var best: (bandwidth: Int, uri: String, sound: String?)?
        for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("#EXT-X-STREAM-INF:") {
            let attributes = line.dropFirst(18)
            let bandwidth = attribute("BANDWIDTH", in: attributes).flatMap { Int($0) } ?? 0
            guard !next.hasPrefix("#"), bandwidth > best?.bandwidth ?? -1 else { continue }
            best = (bandwidth, String(next), attribute("AUDIO", in: attributes))
        }
        return best.map { Variant(uri: $0.uri, soundURI: $0.sound.flatMap { soundURI(ofGroup: $0, lines) }) }
    }

    /// The group's own choice, else its first; one without a URI is in the variant's own segments (§4.3.4.2.1).
    private static func soundURI(ofGroup group: String, _ lines: [Substring]) -> String? {
        let sounds = lines.compactMap { $0.value(of: "#EXT-X-MEDIA:") }.filter {
            attribute("TYPE", in: $0) == "AUDIO" && attribute("GROUP-ID", in: $0) == group
        }
        let chosen = sounds.first { attribute("DEFAULT", in: $0) == "YES" } ?? sounds.first
        return chosen.flatMap { attribute("URI", in: $0) }
    }

    private static func media(_ lines: [Substring]) throws(Fault) -> Media {
        var media = Media(targetDuration: 6, segments: [], isEnded: false)
        var sequence: UInt64 = 0
        var map: String?
        for line in lines {
            if let value = line.value(of: "#EXT-X-TARGETDURATION:") {
                media.targetDuration = min(max(Double(value) ?? 6, 0.5), 60)
            } else if let value = line.value(of: "#EXT-X-MEDIA-SEQUENCE:") {
                sequence = UInt64(value) ?? 0
            } else if let value = line.value(of: "#EXT-X-MAP:") {
                if attribute("BYTERANGE", in: value) != nil { throw .byteRanges }
                map = attribute("URI", in: value)
            } else if line.hasPrefix("#EXT-X-BYTERANGE:") {
                throw .byteRanges
            } else if let value = line.value(of: "#EXT-X-KEY:") {
                guard attribute("METHOD", in: value) == "NONE" else { throw .encrypted }
            } else if line.hasPrefix("#EXT-X-ENDLIST") {
                media.isEnded = true
            } else if !line.hasPrefix("#") {
                media.segments.append(Segment(sequence: sequence, uri: String(line), map: map))
                sequence &+= 1
            }
        }
        return media
    }

    /// Of a list `NAME=value,NAME="value",…` (§4.2).
    private static func attribute(_ name: String, in list: Substring) -> String? {
        var rest = list
        while let sign = rest.firstIndex(of: "=") {
            let found = rest[..<sign].drop { $0 == " " || $0 == "," }
            rest = rest[rest.index(after: sign)...]
            let value: Substring
            if rest.first == "\"" {
                value = rest.dropFirst().prefix { $0 != "\"" }
                rest = rest[value.endIndex...].dropFirst()
            } else {
                value = rest.prefix { $0 != "," }
                rest = rest[value.endIndex...]
            }
            if found == name { return String(value) }
        }
        return nil
    }

    /// A reference as it stands in the playlist at `base` (RFC 3986 §5.2, as far as playlists use it).
    package static func resolve(_ reference: String, against base: String) -> String {
        if reference.firstRange(of: "://") != nil { return reference }
        let bare = base.prefix { $0 != "?" && $0 != "#" }
        guard let mark = bare.firstRange(of: "://") else { return reference }
        let pathStart = bare[mark.upperBound...].firstIndex(of: "/") ?? bare.endIndex
        if reference.hasPrefix("//") { return bare[..<mark.lowerBound] + ":" + reference }
        if reference.hasPrefix("/") { return bare[..<pathStart] + reference }
        let folder = bare[pathStart...].lastIndex(of: "/").map { bare[...$0] } ?? bare + "/"
        return folder + reference
    }
}

extension Substring {
    fileprivate func value(of tag: String) -> Substring? { hasPrefix(tag) ? dropFirst(tag.count) : nil }
}
