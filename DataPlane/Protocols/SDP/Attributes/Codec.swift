/// One payload type of a media line: `rtpmap`, and what `fmtp` and `rtcp-fb` say of it.
package struct Codec: Hashable, Sendable {
    package var payloadType: UInt8
    package var name: String
    /// Hertz.
    package var clockRate: UInt32
    package var channels: UInt8?
    package var parameters = FormatParameters()
    package var feedback: [RTCPFeedback] = []

    package init(_ payloadType: UInt8, _ name: String, clockRate: UInt32, channels: UInt8? = nil) {
        self.payloadType = payloadType
        self.name = name
        self.clockRate = clockRate
        self.channels = channels
    }

    /// `rtpmap:<payload type> <name>/<clock rate>[/<channels>]` (RFC 8866 §6.6).
    init?(rtpmap value: Substring) {
        let words = value.words
        guard words.count == 2, let payloadType = UInt8(digits: words[0]), payloadType < 128 else { return nil }
        let fields = words[1].parts(at: "/")
        guard 2...3 ~= fields.count, !fields[0].isEmpty, let clockRate = UInt32(digits: fields[1]) else { return nil }
        let channels = fields.count == 3 ? UInt8(digits: fields[2]) : nil
        self.init(payloadType, String(fields[0]), clockRate: clockRate, channels: channels)
    }

    /// Payload types that need no `rtpmap` and that browsers offer (RFC 3551 §6).
    init?(static payloadType: UInt8) {
        switch payloadType {
        case 0: self.init(0, "PCMU", clockRate: 8000)
        case 8: self.init(8, "PCMA", clockRate: 8000)
        case 9: self.init(9, "G722", clockRate: 8000)
        case 13: self.init(13, "CN", clockRate: 8000)
        default: return nil
        }
    }

    /// Encoding names are compared without case (RFC 4855 §3).
    package func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }

    /// The payload type that an RTX or RED one serves.
    package var associatedPayloadType: UInt8? { parameters["apt"].flatMap { UInt8(digits: $0) } }

    var rtpmap: String { "\(payloadType) \(name)/\(clockRate)" + (channels.map { "/\($0)" } ?? "") }

    func write(to writer: inout SDPWriter) {
        writer.attribute("rtpmap", rtpmap)
        for each in feedback { writer.attribute("rtcp-fb", "\(payloadType) \(each.text)") }
        if !parameters.isEmpty { writer.attribute("fmtp", "\(payloadType) \(parameters.text)") }
    }
}

/// `name=value;name=value`, in order; a part without `=` has no value.
package struct FormatParameters: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Parameter: Hashable, Sendable {
        package var name: String
        package var value: String?
    }

    package private(set) var list: [Parameter] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        list = elements.map { Parameter(name: $0.0, value: $0.1) }
    }

    init(_ text: Substring) { append(text) }

    mutating func append(_ text: Substring) {
        for part in text.parts(at: ";", omittingEmpty: true) {
            let part = part.trimmingSpaces
            guard !part.isEmpty else { continue }
            if let (name, value) = part.halves(at: "=") {
                list.append(Parameter(name: String(name.trimmingSpaces), value: String(value.trimmingSpaces)))
            } else {
                list.append(Parameter(name: String(part), value: nil))
            }
        }
    }

    package var isEmpty: Bool { list.isEmpty }

    /// Names are compared without case.
    package subscript(name: String) -> String? {
        get { list.first { $0.name.lowercased() == name.lowercased() }?.value }
        set {
            list.removeAll { $0.name.lowercased() == name.lowercased() }
            if let newValue { list.append(Parameter(name: name, value: newValue)) }
        }
    }

    package var text: String {
        list.map { parameter in parameter.value.map { "\(parameter.name)=\($0)" } ?? parameter.name }
            .joined(separator: ";")
    }
}

/// What a receiver may ask of a sender (RFC 4585 §4.2, RFC 5104 §7.1).
package struct RTCPFeedback: Hashable, Sendable {
    package var kind: String
    package var parameter: String?

    package init(_ kind: String, _ parameter: String? = nil) {
        self.kind = kind
        self.parameter = parameter
    }

    init?(_ text: Substring) {
        let parts = text.parts(at: " ", maxSplits: 1, omittingEmpty: true)
        guard let kind = parts.first else { return nil }
        self.init(String(kind), parts.count > 1 ? String(parts[1].trimmingSpaces) : nil)
        if parameter?.isEmpty == true { parameter = nil }
    }

    package static let nack = Self("nack")
    package static let pictureLoss = Self("nack", "pli")
    package static let fullIntraRequest = Self("ccm", "fir")
    package static let remb = Self("goog-remb")
    package static let transportWide = Self("transport-cc")

    var text: String { kind + (parameter.map { " " + $0 } ?? "") }
}
