/// The public name of a stream, `{app}/{id}`. It cannot hold a name the cluster does not serve.
package struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let app: String
    package let id: String

    /// Throws the first rule of naming that `app` or `id` breaks.
    package init(app: String, id: String) throws(NameError) {
        try NameRules.check(app, role: .app)
        try NameRules.check(id, role: .streamID)
        self.app = app
        self.id = id
    }

    private init(known app: String, _ id: String) {
        self.app = app
        self.id = id
    }

    /// What a relay port is greeted with that is only tried. No stream of this name is ever looked for.
    package static let relayProbe = StreamID(known: "relay", "probe")

    package var description: String { "\(app)/\(id)" }

    package static func < (lhs: Self, rhs: Self) -> Bool { (lhs.app, lhs.id) < (rhs.app, rhs.id) }
}

/// Why a name was refused. `description` is fit for the wire: it says what, why and what to do.
package struct NameError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Role: String, Sendable {
        case app
        case streamID = "stream id"
        case nodeID = "node id"
        case group
        case recording
    }

    package enum Rule: Hashable, Sendable {
        case form
        case reservedApp
        case reservedEnding(String)
    }

    package var role: Role
    package var name: String
    package var rule: Rule

    package var description: String {
        let shown = name.count <= 40 ? name : name.prefix(40) + "…"
        return switch rule {
        case .form:
            "\(role.rawValue) '\(shown)' is not a name: use 1 to 128 letters, digits, '_', '-' or '.', not starting with '.'"
        case .reservedApp:
            "app '\(shown)' is reserved for the servers' own paths: choose another name"
        case .reservedEnding(let ending):
            "stream id '\(shown)' ends in '\(ending)', which names a playlist or rendition: choose another ending"
        }
    }
}

/// The rules for names that appear in URLs.
package enum NameRules {
    package static let reservedApps: Set<String> = ["v1", "rest", "livez", "readyz", "metrics", "sd"]
    package static let servedExtensions = [
        ".m3u8", ".mpd", ".flv", ".m4s", ".mp4", ".ts", ".html", ".jpg", ".jpeg", ".png",
    ]

    /// A stream's id and the time behind it.
    private static let recordingBytesMax = 128 + 19

    /// `[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}`, and what the role adds to it.
    package static func check(_ name: String, role: NameError.Role) throws(NameError) {
        let bytes = Array(name.utf8)
        guard (1...(role == .recording ? recordingBytesMax : 128)).contains(bytes.count), bytes[0] != UInt8(ascii: "."),
            bytes.allSatisfy(isNameByte)
        else {
            throw NameError(role: role, name: name, rule: .form)
        }
        switch role {
        case .app where reservedApps.contains(name):
            throw NameError(role: role, name: name, rule: .reservedApp)
        case .streamID:
            if let ending = reservedEnding(of: name) {
                throw NameError(role: role, name: name, rule: .reservedEnding(ending))
            }
        case .app, .nodeID, .group, .recording: break
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func reservedEnding(of id: String) -> String? {
        if id.hasSuffix("_adaptive") { return "_adaptive" }
        let lowercased = id.lowercased()
        if let ending = servedExtensions.first(where: lowercased.hasSuffix) { return ending }
        return renditionSuffix(of: id)
    }

    /// `_{n}p{n}kbps`, the ending that names one rendition's playlist.
    package static func renditionSuffix(of id: String) -> String? {
        guard id.hasSuffix("kbps"), let underscore = id.lastIndex(of: "_") else { return nil }
        let middle = id[id.index(after: underscore)...].dropLast(4)
        let parts = middle.split(separator: "p", omittingEmptySubsequences: false)
        let areNumbers = parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
        return parts.count == 2 && areNumbers ? String(id[underscore...]) : nil
    }
}

/// What an origin makes of a stream beside itself: it is distributed like a stream, under a name no publisher can take.
extension StreamID {
    package enum Derivation: Hashable, Sendable {
        /// `{id}_{rung}`: a rung of the ladder, by its name `{height}p{kbps}kbps`.
        case rung(String)
        /// `{id}~inorder`, `{id}_{rung}~inorder`: H.264 whose pictures come in the order of showing and without delay, as
        /// WebRTC needs; of the source's size, or of a rung's.
        case inOrder(rung: String?)
        /// `{id}~sliced`: as `{id}~inorder`, with slices that fit a packet each, for players that know no fragments (RFC 6184
        /// §6.2).
        case sliced
        /// `{id}~opus`, `{id}~aac`: the same pictures, with the sound in another codec. Of a stream, or of what else is derived.
        case sound(SoundCodec)
    }

    package enum SoundCodec: String, CaseIterable, Hashable, Sendable {
        case aac
        case opus
    }

    private static let inOrderEnding = "~inorder"
    private static let slicedEnding = "~sliced"

    /// As `init(app:id:)`, but also for what is derived of a stream: what players and nodes may ask for.
    package init(playable app: String, id: String) throws(NameError) {
        let source = try StreamID(app: app, id: StreamID(known: app, id).source.id)
        self.init(known: source.app, id)
    }

    package func derived(_ derivation: Derivation) -> StreamID {
        switch derivation {
        case .rung(let name): StreamID(known: app, "\(id)_\(name)")
        case .inOrder(let rung): StreamID(known: app, id + (rung.map { "_\($0)" } ?? "") + Self.inOrderEnding)
        case .sliced: StreamID(known: app, id + Self.slicedEnding)
        case .sound(let codec): StreamID(known: app, "\(id)~\(codec.rawValue)")
        }
    }

    /// Whether its H.264 has slices that fit a packet each, whatever its sound.
    package var isSliced: Bool {
        switch derivation {
        case .sliced: true
        case .sound: parent.derivation == .sliced
        case .rung, .inOrder, nil: false
        }
    }

    /// Nil of what a publisher sends.
    package var derivation: Derivation? { Self.split(id)?.derivation }

    /// The stream this one is made of: itself unless derived.
    package var parent: StreamID { Self.split(id).map { StreamID(known: app, $0.parent) } ?? self }

    /// The stream a publisher or the control plane knows it by: itself unless derived.
    package var source: StreamID {
        let parent = parent
        return parent == self ? self : parent.source
    }

    private static func split(_ id: String) -> (parent: String, derivation: Derivation)? {
        if let codec = SoundCodec.allCases.first(where: { id.hasSuffix("~\($0.rawValue)") }) {
            let parent = String(id.dropLast(codec.rawValue.count + 1))
            // Sound is encoded once.
            if case .sound? = split(parent)?.derivation { return nil }
            return (parent, .sound(codec))
        }
        guard let (source, pictures) = splitPictures(id), split(source) == nil else { return nil }
        return (source, pictures)
    }

    private static func splitPictures(_ id: String) -> (source: String, derivation: Derivation)? {
        if id.hasSuffix(slicedEnding) {
            let source = String(id.dropLast(slicedEnding.count))
            return NameRules.renditionSuffix(of: source) == nil ? (source, .sliced) : nil
        }
        let isInOrder = id.hasSuffix(inOrderEnding)
        let name = isInOrder ? String(id.dropLast(inOrderEnding.count)) : id
        guard let suffix = NameRules.renditionSuffix(of: name) else {
            return isInOrder ? (name, .inOrder(rung: nil)) : nil
        }
        let rung = String(suffix.dropFirst())
        return (String(name.dropLast(suffix.count)), isInOrder ? .inOrder(rung: rung) : .rung(rung))
    }
}
