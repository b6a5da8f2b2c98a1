import Timebase

/// The delivery directives of a playlist request (RFC 8216bis §6.2.5).
package struct BlockingReload: Hashable, Sendable {
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case notANumber(String)
        case partWithoutSequence

        package var description: String {
            switch self {
            case .notANumber(let name): "\(name) must be a decimal number; leave it out to get the playlist as it is"
            case .partWithoutSequence: "_HLS_part needs _HLS_msn beside it"
            }
        }
    }

    package enum Decision: Hashable, Sendable {
        /// The playlist has what was asked for, or nothing was: answer as it stands.
        case answer
        /// Hold the request until the window's version changes, then decide again; after this long answer 503.
        case wait(atMost: Duration)
        /// Hold it likewise; after this long answer as the playlist stands.
        case linger(atMost: Duration)
        /// 400: the player is not where it thinks it is.
        case refuseTooFarAhead
    }

    package var sequence: UInt64?
    package var part: UInt64?
    package var skip = false

    package init(sequence: UInt64? = nil, part: UInt64? = nil, skip: Bool = false) {
        self.sequence = sequence
        self.part = part
        self.skip = skip
    }

    /// Reads the query of a request (without `?`). Other parameters mean nothing here.
    package init(query: some StringProtocol) throws(Failure) {
        // Each player asks five times a second: fields are compared where they are.
        var rest = Substring(query).utf8
        while !rest.isEmpty {
            let field = rest.prefix { $0 != UInt8(ascii: "&") }
            rest = rest.dropFirst(field.count + 1)
            if let value = Self.value(of: "_HLS_msn", in: field) {
                sequence = try Self.number("_HLS_msn", value)
            } else if let value = Self.value(of: "_HLS_part", in: field) {
                part = try Self.number("_HLS_part", value)
            } else if let value = Self.value(of: "_HLS_skip", in: field) {
                skip = value.elementsEqual("YES".utf8) || value.elementsEqual("v2".utf8)
            }
        }
        if part != nil, sequence == nil { throw .partWithoutSequence }
    }

    /// Pure: the waiting room only calls it again when the window moved.
    package func decide(_ window: SegmentWindow) -> Decision {
        guard !window.index.isEnded else { return .answer }
        guard let sequence else {
            return window.hasJustBegun
                ? .linger(atMost: .milliseconds(window.index.settings.segmentDuration.milliseconds)) : .answer
        }
        // The end of the playlist is the open segment, whose number is one above the last complete one.
        let next = window.nextSequence
        guard sequence <= next + 1 else { return .refuseTooFarAhead }
        return holds(sequence, window) ? .answer : .wait(atMost: .seconds(3 * window.index.targetDurationSeconds))
    }

    private func holds(_ sequence: UInt64, _ window: SegmentWindow) -> Bool {
        let openParts = UInt64(window.index.open?.parts.count ?? 0)
        if sequence > window.nextSequence { return false }
        if sequence == window.nextSequence { return part.map { $0 < openParts } ?? false }
        // A part beyond the last of a complete segment is part 0 of the one after it (§6.2.5.2).
        guard let part, sequence + 1 == window.nextSequence, let last = window.index.segments.last,
            last.sequence == sequence, part >= UInt64(last.parts.count)
        else { return true }
        return openParts > 0
    }

    /// Behind the equals sign, of which a field without a value has none.
    private static func value(of name: StaticString, in field: Substring.UTF8View) -> Substring.UTF8View? {
        let bytes = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard field.starts(with: bytes) else { return nil }
        let behind = field.dropFirst(bytes.count)
        if behind.isEmpty { return behind }
        return behind.first == UInt8(ascii: "=") ? behind.dropFirst() : nil
    }

    private static func number(_ name: String, _ text: Substring.UTF8View) throws(Failure) -> UInt64 {
        guard text.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt64(Substring(text)) else {
            throw .notANumber(name)
        }
        return value
    }
}
