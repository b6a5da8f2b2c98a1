/// `extmap`: the number that a header extension has in this session (RFC 8285 §5).
package struct HeaderExtension: Hashable, Sendable {
    /// 1 to 14 fit one-byte headers, up to 255 two-byte ones; offers may hold larger ones that an answer must renumber.
    package var id: UInt16
    package var direction: Direction?
    package var uri: String
    package var attributes: String?

    package init(_ id: UInt16, _ uri: String, direction: Direction? = nil) {
        self.id = id
        self.uri = uri
        self.direction = direction
    }

    init?(_ value: Substring) {
        let parts = value.parts(at: " ", maxSplits: 2, omittingEmpty: true)
        guard parts.count >= 2 else { return nil }
        let number = parts[0].parts(at: "/")
        guard let id = UInt16(digits: number[0]), number.count <= 2 else { return nil }
        self.init(id, String(parts[1]))
        if number.count == 2 {
            guard let direction = Direction(rawValue: String(number[1])) else { return nil }
            self.direction = direction
        }
        if parts.count == 3, !parts[2].trimmingSpaces.isEmpty { attributes = String(parts[2].trimmingSpaces) }
    }

    var text: String {
        "\(id)" + (direction.map { "/" + $0.rawValue } ?? "") + " " + uri + (attributes.map { " " + $0 } ?? "")
    }
}

/// Which way media goes, from the describer's side (RFC 8866 §6.7).
package enum Direction: String, Hashable, Sendable {
    case sendReceive = "sendrecv"
    case sendOnly = "sendonly"
    case receiveOnly = "recvonly"
    case inactive

    package init(sends: Bool, receives: Bool) {
        self =
            switch (sends, receives) {
            case (true, true): .sendReceive
            case (true, false): .sendOnly
            case (false, true): .receiveOnly
            case (false, false): .inactive
            }
    }

    package var sends: Bool {
        switch self {
        case .sendReceive, .sendOnly: true
        case .receiveOnly, .inactive: false
        }
    }

    package var receives: Bool {
        switch self {
        case .sendReceive, .receiveOnly: true
        case .sendOnly, .inactive: false
        }
    }

    /// From the other side.
    package var reversed: Self { Self(sends: receives, receives: sends) }
}

/// What is said of one SSRC (RFC 5576 §4.1).
package struct Source: Hashable, Sendable {
    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var value: String?

        package init(_ name: String, _ value: String?) {
            self.name = name
            self.value = value
        }
    }

    package var ssrc: UInt32
    package var attributes: [Attribute] = []

    package init(_ ssrc: UInt32) { self.ssrc = ssrc }

    package init(_ ssrc: UInt32, cname: String) {
        self.ssrc = ssrc
        attributes = [Attribute("cname", cname)]
    }

    package subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }
    package var cname: String? { self["cname"] }
}

/// SSRCs that belong together (RFC 5576 §4.2): `FID` is a stream and its retransmissions, `SIM` the layers of old
/// simulcast.
package struct SourceGroup: Hashable, Sendable {
    package var semantics: String
    package var ssrcs: [UInt32]

    package init(_ semantics: String, _ ssrcs: [UInt32]) {
        self.semantics = semantics
        self.ssrcs = ssrcs
    }

    init?(_ value: Substring) {
        let words = value.words
        guard let semantics = words.first else { return nil }
        self.init(String(semantics), [])
        for word in words.dropFirst() {
            guard let ssrc = UInt32(digits: word) else { return nil }
            ssrcs.append(ssrc)
        }
    }

    var text: String { ([semantics] + ssrcs.map(String.init)).joined(separator: " ") }
}

/// The stream and track that a media line belongs to (RFC 8830).
package struct MediaStreamIdentification: Hashable, Sendable {
    package var stream: String
    package var track: String?

    package init(stream: String, track: String? = nil) {
        self.stream = stream
        self.track = track
    }

    init?(_ value: Substring) {
        let words = value.words
        guard 1...2 ~= words.count else { return nil }
        self.init(stream: String(words[0]), track: words.count == 2 ? String(words[1]) : nil)
    }

    var text: String { stream + (track.map { " " + $0 } ?? "") }
}

/// One way of encoding a track, by the name its packets carry (RFC 8851).
package struct RestrictionIdentifier: Hashable, Sendable {
    package enum Way: String, Hashable, Sendable {
        case send
        case receive = "recv"
    }

    package var id: String
    package var way: Way
    /// All of the line's when empty.
    package var payloadTypes: [UInt8] = []
    package var restrictions = FormatParameters()

    package init(_ id: String, _ way: Way) {
        self.id = id
        self.way = way
    }

    init?(_ value: Substring) {
        let parts = value.parts(at: " ", maxSplits: 2, omittingEmpty: true)
        guard parts.count >= 2, let way = Way(rawValue: String(parts[1])), Self.isName(parts[0]) else { return nil }
        self.init(String(parts[0]), way)
        guard parts.count == 3 else { return }
        restrictions = FormatParameters(parts[2])
        if let list = restrictions["pt"] {
            restrictions["pt"] = nil
            payloadTypes = Substring(list).parts(at: ",").compactMap { UInt8(digits: $0) }
        }
    }

    var text: String {
        var text = "\(id) \(way.rawValue)"
        var restrictions = restrictions.text
        if !payloadTypes.isEmpty {
            let list = "pt=" + payloadTypes.map(String.init).joined(separator: ",")
            restrictions = restrictions.isEmpty ? list : "\(list);\(restrictions)"
        }
        if !restrictions.isEmpty { text += " " + restrictions }
        return text
    }

    /// Letters and digits, and the `-` and `_` that RFC 8851 first allowed.
    static func isName(_ text: Substring) -> Bool {
        1...255 ~= text.utf8.count
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
    }
}

/// Which RIDs are sent or received at once (RFC 8853): each stream of several is a choice of alternatives.
package struct Simulcast: Hashable, Sendable {
    package struct Alternative: Hashable, Sendable {
        package var rid: String
        /// Marked `~`: not sent at first.
        package var isPaused: Bool

        package init(_ rid: String, isPaused: Bool = false) {
            self.rid = rid
            self.isPaused = isPaused
        }
    }

    package var send: [[Alternative]] = []
    package var receive: [[Alternative]] = []

    package init() {}

    /// `send h;m,m2;~l recv x`.
    init?(_ value: Substring) {
        let words = value.words
        guard words.count == 2 || words.count == 4 else { return nil }
        for index in stride(from: 0, to: words.count, by: 2) {
            guard let streams = Self.streams(words[index + 1]) else { return nil }
            switch words[index] {
            case "send" where send.isEmpty: send = streams
            case "recv" where receive.isEmpty: receive = streams
            default: return nil
            }
        }
    }

    private static func streams(_ text: Substring) -> [[Alternative]]? {
        var streams: [[Alternative]] = []
        for stream in text.parts(at: ";") {
            var alternatives: [Alternative] = []
            for name in stream.parts(at: ",") {
                let isPaused = name.first == "~"
                let rid = isPaused ? name.dropFirst() : name
                guard RestrictionIdentifier.isName(rid) else { return nil }
                alternatives.append(Alternative(String(rid), isPaused: isPaused))
            }
            streams.append(alternatives)
        }
        return streams
    }

    var text: String {
        [("send", send), ("recv", receive)].filter { !$0.1.isEmpty }
            .map { "\($0.0) " + Self.text($0.1) }.joined(separator: " ")
    }

    private static func text(_ streams: [[Alternative]]) -> String {
        streams.map { $0.map { ($0.isPaused ? "~" : "") + $0.rid }.joined(separator: ",") }.joined(separator: ";")
    }
}
