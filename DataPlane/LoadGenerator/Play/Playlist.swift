/// What a player reads from a playlist (RFC 8216bis): enough to know what to fetch next.
package struct Playlist: Hashable, Sendable {
    package struct Object: Hashable, Sendable {
        package var sequence: Int64
        /// Number of the part within its segment; nil for a whole segment.
        package var part: Int?
        package var uri: String
        package var durationSeconds: Double
        package var isIndependent: Bool

        package init(sequence: Int64, part: Int?, uri: String, durationSeconds: Double, isIndependent: Bool) {
            self.sequence = sequence
            self.part = part
            self.uri = uri
            self.durationSeconds = durationSeconds
            self.isIndependent = isIndependent
        }
    }

    /// Set in a multivariant playlist: the first one it names.
    package private(set) var variant: String?
    package private(set) var map: String?
    package private(set) var parts: [Object] = []
    package private(set) var segments: [Object] = []
    package private(set) var targetDurationSeconds = 2.0
    package private(set) var canBlockReload = false
    package private(set) var isEnded = false

    /// In playing order: parts where there are some.
    package var objects: [Object] { parts.isEmpty ? segments : parts }

    private var sequence: Int64 = 0
    private var nextPart = 0
    private var segmentDuration = 0.0
    private var expectsVariant = false

    package init(_ text: some StringProtocol) {
        for line in text.split(whereSeparator: \.isNewline) { read(line) }
    }

    /// What comes after `last`, in order, and whether something in between is no longer there.
    package func objects(after last: Object) -> (next: [Object], hasGap: Bool) {
        let next = objects.filter { $0.sequence > last.sequence || ($0.sequence == last.sequence && isLater($0, last)) }
        guard let first = next.first else { return ([], false) }
        let follows = first.sequence == last.sequence ? first.part == last.part.map { $0 + 1 } : startsNext(first, last)
        return (next, !follows)
    }

    private func isLater(_ object: Object, _ last: Object) -> Bool { (object.part ?? 0) > (last.part ?? 0) }

    private func startsNext(_ first: Object, _ last: Object) -> Bool {
        first.sequence == last.sequence + 1 && (first.part ?? 0) == 0
    }

    private mutating func read(_ line: some StringProtocol) {
        if !line.hasPrefix("#") {
            readURI(String(line))
        } else if let value = line.value(of: "#EXT-X-MEDIA-SEQUENCE:") {
            sequence = Int64(value) ?? 0
        } else if let value = line.value(of: "#EXT-X-TARGETDURATION:") {
            targetDurationSeconds = Double(value) ?? targetDurationSeconds
        } else if let value = line.value(of: "#EXT-X-SERVER-CONTROL:") {
            canBlockReload = value.contains("CAN-BLOCK-RELOAD=YES")
        } else if let value = line.value(of: "#EXT-X-PART:") {
            readPart(value)
        } else if let value = line.value(of: "#EXTINF:") {
            segmentDuration = Double(value.prefix { $0 != "," }) ?? 0
        } else if let value = line.value(of: "#EXT-X-MAP:") {
            map = value.attribute("URI")
        } else if line.hasPrefix("#EXT-X-STREAM-INF:") {
            expectsVariant = true
        } else if line.hasPrefix("#EXT-X-ENDLIST") {
            isEnded = true
        }
    }

    private mutating func readURI(_ uri: String) {
        if expectsVariant {
            if variant == nil { variant = uri }
            expectsVariant = false
            return
        }
        let object = Object(
            sequence: sequence,
            part: nil,
            uri: uri,
            durationSeconds: segmentDuration,
            isIndependent: true
        )
        segments.append(object)
        sequence += 1
        nextPart = 0
    }

    private mutating func readPart(_ value: String) {
        guard let uri = value.attribute("URI") else { return }
        let part = Object(
            sequence: sequence,
            part: nextPart,
            uri: uri,
            durationSeconds: value.attribute("DURATION").flatMap(Double.init) ?? 0,
            isIndependent: value.attribute("INDEPENDENT") == "YES"
        )
        parts.append(part)
        nextPart += 1
    }
}

extension StringProtocol {
    fileprivate func value(of tag: String) -> String? { hasPrefix(tag) ? String(dropFirst(tag.count)) : nil }
}

extension String {
    /// An attribute of an attribute list (RFC 8216bis §4.2), without its quotes.
    fileprivate func attribute(_ name: String) -> String? {
        var isQuoted = false
        let fields = split { character in
            if character == "\"" { isQuoted.toggle() }
            return character == "," && !isQuoted
        }
        guard let field = fields.first(where: { $0.hasPrefix(name + "=") }) else { return nil }
        let value = field.dropFirst(name.count + 1)
        return value.hasPrefix("\"") ? String(value.dropFirst().prefix { $0 != "\"" }) : String(value)
    }
}
