package import MediaModel

/// The name of an object below `/{app}/streams/{id}/`. Same name, same bytes, for ever, on every node.
package struct ObjectName: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// `{rendition}-{epoch}-init{n}.mp4`; n is the discontinuity number from which the header holds.
        case initialization(UInt64)
        /// `{rendition}-{epoch}-{sequence}.m4s`, or `.ts`
        case segment(UInt64)
        /// `{rendition}-{epoch}-{sequence}.{part}.m4s`, or `.ts`
        case part(UInt64, UInt32)
    }

    /// The rendition that is the publisher's own encoding.
    package static let sourceRendition = "source"

    private static let bytesMax = 200

    package let rendition: String
    package let epoch: Epoch
    package let kind: Kind
    package let container: SegmentContainer

    package init(rendition: String, epoch: Epoch, kind: Kind, container: SegmentContainer = .fragmentedMP4) {
        self.rendition = rendition
        self.epoch = epoch
        self.kind = kind
        self.container = container
    }

    /// Nil for every text that `description` would not write: other spellings of a name would be other cache entries.
    package init?(_ text: String) { self.init(text.utf8.span) }
    package init?(_ text: Substring) { self.init(text.utf8.span) }

    /// One pass without a copy: every request for a segment or part comes by here.
    private init?(_ text: Span<UInt8>) {
        guard text.count <= Self.bytesMax else { return nil }
        var reader = NameReader()
        guard let rendition = reader.rendition(in: text), reader.skip("-", in: text),
            let epoch = reader.number(in: text, upTo: UInt64(Int64.max)), reader.skip("-", in: text),
            let (kind, container) = reader.kind(in: text), reader.position == text.count
        else { return nil }
        self.init(rendition: rendition, epoch: Epoch(Int64(epoch)), kind: kind, container: container)
    }

    package var description: String {
        switch kind {
        case .initialization(let number): "\(rendition)-\(epoch.value)-init\(number).mp4"
        case .segment(let sequence): "\(rendition)-\(epoch.value)-\(sequence)\(container.segmentExtension)"
        case .part(let sequence, let part):
            "\(rendition)-\(epoch.value)-\(sequence).\(part)\(container.segmentExtension)"
        }
    }
}

/// Reads an object's name from its beginning on.
private struct NameReader {
    private static let renditionBytesMax = 64

    private(set) var position = 0

    mutating func skip(_ expected: StaticString, in text: Span<UInt8>) -> Bool {
        let count = expected.utf8CodeUnitCount
        guard position + count <= text.count,
            (0..<count).allSatisfy({ text[position + $0] == expected.utf8Start[$0] })
        else { return false }
        position += count
        return true
    }

    mutating func rendition(in text: Span<UInt8>) -> String? {
        let start = position
        while position < text.count, Self.isOfRendition(text[position]) { position += 1 }
        guard (1...Self.renditionBytesMax).contains(position - start) else { return nil }
        return text.extracting(start..<position).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    private static func isOfRendition(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Decimal digits without sign or leading zeros.
    mutating func number(in text: Span<UInt8>, upTo limit: UInt64) -> UInt64? {
        let start = position
        var value: UInt64 = 0
        while position < text.count, let digit = Self.digit(text[position]) {
            guard value <= (limit - digit) / 10 else { return nil }
            value = value * 10 + digit
            position += 1
        }
        let count = position - start
        return count == 1 || (count > 1 && text[start] != UInt8(ascii: "0")) ? value : nil
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? UInt64(byte - UInt8(ascii: "0")) : nil
    }

    mutating func kind(in text: Span<UInt8>) -> (ObjectName.Kind, SegmentContainer)? {
        if skip("init", in: text) {
            guard let number = number(in: text, upTo: .max), skip(".mp4", in: text) else { return nil }
            return (.initialization(number), .fragmentedMP4)
        }
        guard let sequence = number(in: text, upTo: .max) else { return nil }
        if let container = container(in: text) { return (.segment(sequence), container) }
        guard skip(".", in: text), let part = number(in: text, upTo: UInt64(UInt32.max)),
            let container = container(in: text)
        else { return nil }
        return (.part(sequence, UInt32(part)), container)
    }

    private mutating func container(in text: Span<UInt8>) -> SegmentContainer? {
        if skip(".m4s", in: text) { return .fragmentedMP4 }
        return skip(".ts", in: text) ? .transportStream : nil
    }
}

extension SegmentContainer {
    package var segmentExtension: String {
        switch self {
        case .fragmentedMP4: ".m4s"
        case .transportStream: ".ts"
        }
    }
}
