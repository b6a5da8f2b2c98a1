extension SessionDescription {
    package init(parsing text: String, limits: SDPLimits = SDPLimits()) throws(SDPError) {
        let lines = try SDPLines(text, bytesMax: limits.bytesMax, limits: limits).lines
        guard let first = lines.first, first.type == "v", first.value == "0" else { throw .notSDP(line: 1) }
        let sections = try Self.sections(of: lines, limits: limits)
        self.init(origin: Origin(sessionID: 0, sessionVersion: 0))
        var direction = Direction.sendReceive
        for line in sections.session.dropFirst() { try read(line, direction: &direction) }
        for section in sections.media {
            media.append(try MediaDescription(section, direction: direction, limits: limits))
        }
    }

    /// The lines before the first `m=`, and those of each media section.
    private static func sections(
        of lines: [SDPLine],
        limits: SDPLimits
    ) throws(SDPError) -> (session: ArraySlice<SDPLine>, media: [ArraySlice<SDPLine>]) {
        let starts = lines.indices.filter { lines[$0].type == "m" }
        guard starts.count <= limits.mediaCountMax else { throw .tooManyMedia(limit: limits.mediaCountMax) }
        let ends = starts.dropFirst() + [lines.count]
        let media = zip(starts, ends).map { lines[$0..<$1] }
        let session = lines[..<(starts.first ?? lines.count)]
        guard ([session] + media).allSatisfy({ $0.count <= limits.linesPerMediaMax }) else {
            throw .tooManyLines(limit: limits.linesPerMediaMax)
        }
        return (session, media)
    }

    private mutating func read(_ line: SDPLine, direction: inout Direction) throws(SDPError) {
        switch line.type {
        case "o": try readOrigin(line)
        case "s": name = String(line.value)
        case "c": connection = String(line.value)
        case "b": if let bandwidth = Bandwidth(line.value) { bandwidths.append(bandwidth) }
        case "t": timing = String(line.value)
        case "a": try readAttribute(line, direction: &direction)
        // What calendars and telephones put here: i, u, e, p, r, z, k.
        default: return
        }
    }

    /// `o=<username> <id> <version> <nettype> <addrtype> <address>`. An id over 64 bits is not worth a refusal.
    private mutating func readOrigin(_ line: SDPLine) throws(SDPError) {
        let words = line.value.words
        guard words.count >= 4 else { throw line.malformed }
        origin = Origin(sessionID: UInt64(digits: words[1]) ?? 0, sessionVersion: UInt64(digits: words[2]) ?? 0)
        origin.username = String(words[0])
        origin.address = words[3...].joined(separator: " ")
    }

    private mutating func readAttribute(_ line: SDPLine, direction: inout Direction) throws(SDPError) {
        if try transport.read(line) { return }
        let (name, value) = line.attribute
        switch name {
        case "group": groups.append(Group(value))
        case "ice-lite": isICELite = true
        case "extmap-allow-mixed": allowsMixedExtensions = true
        case "extmap":
            guard let each = HeaderExtension(value) else { throw line.malformed }
            headerExtensions.append(each)
        case "sendrecv", "sendonly", "recvonly", "inactive":
            direction = Direction(rawValue: String(name)) ?? direction
        default: otherAttributes.append(String(line.value))
        }
    }
}

extension MediaDescription {
    /// `direction` is the session's, which holds where the section says none.
    fileprivate init(
        _ lines: ArraySlice<SDPLine>,
        direction: Direction,
        limits: SDPLimits
    ) throws(SDPError) {
        guard let first = lines.first else { throw .notSDP(line: 1) }
        let words = first.value.words
        // `<port>/<count>` is for layered multicast; no peer of ours sends it.
        guard words.count >= 4, let port = UInt16(digits: words[1]) else { throw first.malformed }
        self.init(
            String(words[0]),
            port: port,
            protocolName: String(words[2]),
            formats: words[3...].map(String.init)
        )
        self.direction = direction
        var payloads = PayloadLines()
        for line in lines.dropFirst() { try read(line, &payloads) }
        if isRTP { codecs = payloads.codecs(for: formats, feedbackCountMax: limits.feedbackCountMax) }
    }

    package var isRTP: Bool { protocolName.contains("RTP/") }

    private mutating func read(_ line: SDPLine, _ payloads: inout PayloadLines) throws(SDPError) {
        switch line.type {
        case "i": title = String(line.value)
        case "c": connection = String(line.value)
        case "b": if let bandwidth = Bandwidth(line.value) { bandwidths.append(bandwidth) }
        case "a":
            if try transport.read(line) { return }
            if try payloads.read(line) { return }
            if readFlag(line.value) { return }
            if try !readField(line) { otherAttributes.append(String(line.value)) }
        default: return
        }
    }

    private mutating func readFlag(_ value: Substring) -> Bool {
        switch value {
        case "rtcp-mux": rtcpMux = true
        case "rtcp-mux-only": rtcpMuxOnly = true
        case "rtcp-rsize": rtcpReducedSize = true
        case "bundle-only": isBundleOnly = true
        case "end-of-candidates": endOfCandidates = true
        case "extmap-allow-mixed": allowsMixedExtensions = true
        default:
            guard let direction = Direction(rawValue: String(value)) else { return false }
            self.direction = direction
        }
        return true
    }

    /// False when the attribute is unknown, or is optional and cannot be read: it is kept as it came.
    private mutating func readField(_ line: SDPLine) throws(SDPError) -> Bool {
        let (name, value) = line.attribute
        switch name {
        case "mid":
            guard value.words.count == 1 else { throw line.malformed }
            mid = String(value.trimmingSpaces)
        case "extmap":
            guard let each = HeaderExtension(value) else { throw line.malformed }
            headerExtensions.append(each)
        case "rid":
            guard let rid = RestrictionIdentifier(value) else { throw line.malformed }
            rids.append(rid)
        case "simulcast":
            guard let simulcast = Simulcast(value) else { return false }
            self.simulcast = simulcast
        case "candidate":
            guard let candidate = CandidateAttribute(value) else { return false }
            candidates.append(candidate)
        case "msid":
            guard let stream = MediaStreamIdentification(value) else { return false }
            streams.append(stream)
        case "ssrc": return readSource(value)
        case "ssrc-group":
            guard let group = SourceGroup(value) else { throw line.malformed }
            sourceGroups.append(group)
        default: return false
        }
        return true
    }

    /// `ssrc:<ssrc> <name>[:<value>]`.
    private mutating func readSource(_ value: Substring) -> Bool {
        guard let (number, attribute) = value.halves(at: " "), let ssrc = UInt32(digits: number) else { return false }
        let parts = attribute.halves(at: ":")
        let read = Source.Attribute(String(parts?.0 ?? attribute), parts.map { String($0.1) })
        if let index = sources.firstIndex(where: { $0.ssrc == ssrc }) {
            sources[index].attributes.append(read)
        } else {
            var source = Source(ssrc)
            source.attributes = [read]
            sources.append(source)
        }
        return true
    }
}

/// The lines that speak of payload types, which may come in any order.
private struct PayloadLines {
    private var codecs: [UInt8: Codec] = [:]
    private var parameters: [UInt8: FormatParameters] = [:]
    private var feedback: [(payloadType: UInt8?, feedback: RTCPFeedback)] = []

    /// True when the line was one of these.
    mutating func read(_ line: SDPLine) throws(SDPError) -> Bool {
        let (name, value) = line.attribute
        switch name {
        case "rtpmap":
            guard let codec = Codec(rtpmap: value) else { throw line.malformed }
            codecs[codec.payloadType] = codec
        case "fmtp":
            // Data channels have formats that are names.
            guard let (format, text) = value.halves(at: " "), let payloadType = UInt8(digits: format) else {
                return false
            }
            parameters[payloadType, default: FormatParameters()].append(text)
        case "rtcp-fb":
            guard let (format, text) = value.halves(at: " "), let each = RTCPFeedback(text) else {
                throw line.malformed
            }
            if format == "*" {
                feedback.append((nil, each))
            } else {
                guard let payloadType = UInt8(digits: format) else { throw line.malformed }
                feedback.append((payloadType, each))
            }
        default: return false
        }
        return true
    }

    /// Those of the media line in its order. One that nothing describes is of no use to anybody.
    func codecs(for formats: [String], feedbackCountMax: Int) -> [Codec] {
        var seen: Set<UInt8> = []
        return formats.compactMap { format in
            guard let payloadType = UInt8(digits: format), payloadType < 128, seen.insert(payloadType).inserted,
                var codec = codecs[payloadType] ?? Codec(static: payloadType)
            else { return nil }
            codec.parameters = parameters[payloadType] ?? FormatParameters()
            codec.feedback = []
            for each in feedback where each.payloadType == nil || each.payloadType == payloadType {
                guard codec.feedback.count < feedbackCountMax else { break }
                if !codec.feedback.contains(each.feedback) { codec.feedback.append(each.feedback) }
            }
            return codec
        }
    }
}
