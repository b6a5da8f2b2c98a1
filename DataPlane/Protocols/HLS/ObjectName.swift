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
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 200 else { return nil }
        let fields = text.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 3, Self.isRendition(fields[0]), let epoch = Self.number(fields[1], as: Int64.self),
            let (kind, container) = Self.kind(fields[2])
        else { return nil }
        self.init(rendition: String(fields[0]), epoch: Epoch(epoch), kind: kind, container: container)
    }

    package var description: String {
        switch kind {
        case .initialization(let number): "\(rendition)-\(epoch.value)-init\(number).mp4"
        case .segment(let sequence): "\(rendition)-\(epoch.value)-\(sequence)\(container.segmentExtension)"
        case .part(let sequence, let part):
            "\(rendition)-\(epoch.value)-\(sequence).\(part)\(container.segmentExtension)"
        }
    }

    private static func isRendition(_ text: some StringProtocol) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func kind(_ text: some StringProtocol) -> (Kind, SegmentContainer)? {
        if text.hasPrefix("init") {
            guard text.hasSuffix(".mp4") else { return nil }
            return number(text.dropFirst(4).dropLast(4), as: UInt64.self).map { (.initialization($0), .fragmentedMP4) }
        }
        let containers = [SegmentContainer.fragmentedMP4, .transportStream]
        guard let container = containers.first(where: { text.hasSuffix($0.segmentExtension) }) else { return nil }
        let stem = text.dropLast(container.segmentExtension.utf8.count)
        let numbers = stem.split(separator: ".", omittingEmptySubsequences: false)
        guard let sequence = number(numbers[0], as: UInt64.self) else { return nil }
        switch numbers.count {
        case 1: return (.segment(sequence), container)
        case 2: return number(numbers[1], as: UInt32.self).map { (.part(sequence, $0), container) }
        default: return nil
        }
    }

    /// Decimal digits without sign or leading zeros.
    private static func number<T: FixedWidthInteger>(_ text: some StringProtocol, as: T.Type) -> T? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0")
        else { return nil }
        return T(text)
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
