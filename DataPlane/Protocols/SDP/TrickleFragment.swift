/// Candidates that come after the description, and the credentials of an ICE restart: `application/trickle-ice-sdpfrag`
/// (RFC 8840 §9), as WHIP and WHEP send it by PATCH.
package struct TrickleFragment: Hashable, Sendable {
    package struct Media: Hashable, Sendable {
        package var mid: String
        package var candidates: [CandidateAttribute] = []
        package var endOfCandidates = false

        package init(mid: String, candidates: [CandidateAttribute] = [], endOfCandidates: Bool = false) {
            self.mid = mid
            self.candidates = candidates
            self.endOfCandidates = endOfCandidates
        }
    }

    package var userFragment: String?
    package var password: String?
    package var isICELite = false
    package var media: [Media] = []
    /// Of all media lines, when there is no `m=` in front of it.
    package var endOfCandidates = false

    package init() {}

    package init(parsing text: String, limits: SDPLimits = SDPLimits()) throws(SDPError) {
        let lines = try SDPLines(text, bytesMax: limits.fragmentBytesMax, limits: limits).lines
        var isInMedia = false
        for line in lines {
            if line.type == "m" {
                guard media.count < limits.mediaCountMax else { throw .tooManyMedia(limit: limits.mediaCountMax) }
                isInMedia = true
                media.append(Media(mid: ""))
            } else if line.type == "a" {
                try read(line, isInMedia: isInMedia)
            } else {
                throw .malformedLine(line: line.number, type: line.type)
            }
        }
        guard !lines.isEmpty else { throw .notSDP(line: 1) }
    }

    private mutating func read(_ line: SDPLine, isInMedia: Bool) throws(SDPError) {
        let (name, value) = line.attribute
        let last = media.count - 1
        switch name {
        // Bundled lines have one transport, so it does not matter where these stand.
        case "ice-ufrag": userFragment = String(value)
        case "ice-pwd": password = String(value)
        case "ice-lite": isICELite = true
        case "mid" where isInMedia: media[last].mid = String(value)
        case "candidate":
            guard isInMedia, let candidate = CandidateAttribute(value) else { throw line.malformed }
            media[last].candidates.append(candidate)
        case "end-of-candidates":
            if isInMedia { media[last].endOfCandidates = true } else { endOfCandidates = true }
        default: return
        }
    }

    /// Each media line in the form of RFC 8840 §9: its kind and format say nothing.
    package var text: String {
        var writer = SDPWriter()
        writer.flag("ice-lite", isICELite)
        if let userFragment { writer.attribute("ice-ufrag", userFragment) }
        if let password { writer.attribute("ice-pwd", password) }
        writer.flag("end-of-candidates", endOfCandidates)
        for each in media {
            writer.line("m", "audio 9 UDP/TLS/RTP/SAVPF 0")
            writer.attribute("mid", each.mid)
            for candidate in each.candidates { writer.line("a", candidate.text) }
            writer.flag("end-of-candidates", each.endOfCandidates)
        }
        return writer.text
    }
}
