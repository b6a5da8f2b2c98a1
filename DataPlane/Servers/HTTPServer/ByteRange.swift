/// The part of a file that a request asks for (RFC 9110 §14).
package enum ByteRange: Hashable, Sendable {
    case whole
    case part(Range<Int>)
    case unsatisfiable

    /// `header` is the value of `Range`. What is no single range of bytes is ignored, as §14.2 allows.
    package init(_ header: String?, of size: Int) {
        self = .whole
        guard let header, header.lowercased().hasPrefix("bytes="), !header.contains(",") else { return }
        let ends = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2 else { return }
        let (first, last) = (Self.number(ends[0]), Self.number(ends[1]))
        switch (first, last) {
        case (nil, let count?) where ends[0].isEmpty:
            self = count == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
        case (let first?, nil) where ends[1].isEmpty:
            self = first < size ? .part(first..<size) : .unsatisfiable
        case (let first?, let last?) where first <= last:
            self = first < size ? .part(first..<min(size, last == .max ? .max : last + 1)) : .unsatisfiable
        default: return
        }
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int(text) ?? .max
    }
}
