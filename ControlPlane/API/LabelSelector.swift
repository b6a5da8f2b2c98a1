/// Which labels somebody means, in Kubernetes' syntax: requirements joined by commas, all of which must hold.
/// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
package struct LabelSelector: Sendable {
    private enum Requirement {
        case among(key: String, values: Set<String>)
        /// Holds for labels without the key too.
        case notAmong(key: String, values: Set<String>)
        case has(key: String)
        case lacks(key: String)
    }

    private let requirements: [Requirement]

    /// Nil for what is none. Nothing at all means everything.
    package init?(_ text: String) {
        var requirements: [Requirement] = []
        for part in Self.split(text) {
            guard let requirement = Self.requirement(part) else { return nil }
            requirements.append(requirement)
        }
        self.requirements = requirements
    }

    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .among(let key, let values): labels[key].map(values.contains) ?? false
            case .notAmong(let key, let values): labels[key].map { !values.contains($0) } ?? true
            case .has(let key): labels[key] != nil
            case .lacks(let key): labels[key] == nil
            }
        }
    }

    /// At the commas outside parentheses.
    private static func split(_ text: String) -> [Substring] {
        var depth = 0
        let parts = text.split(omittingEmptySubsequences: false) { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return character == "," && depth == 0
        }
        return parts.count == 1 && parts[0].allSatisfy(\.isWhitespace) ? [] : parts
    }

    private static func requirement(_ part: Substring) -> Requirement? {
        for (sign, isWanted) in [("!=", false), ("==", true), ("=", true)] {
            guard let range = part.firstRange(of: sign) else { continue }
            guard let key = name(part[..<range.lowerBound]), let value = name(part[range.upperBound...], orEmpty: true)
            else { return nil }
            return isWanted ? .among(key: key, values: [value]) : .notAmong(key: key, values: [value])
        }
        if let open = part.firstIndex(of: "(") {
            let words = part[..<open].split(whereSeparator: \.isWhitespace)
            let rest = part[part.index(after: open)...].trimmed
            guard words.count == 2, let key = name(words[0]), rest.hasSuffix(")"), let values = names(rest.dropLast())
            else { return nil }
            switch words[1] {
            case "in": return .among(key: key, values: values)
            case "notin": return .notAmong(key: key, values: values)
            default: return nil
            }
        }
        let word = part.trimmed
        return word.hasPrefix("!") ? name(word.dropFirst()).map(Requirement.lacks) : name(word).map(Requirement.has)
    }

    private static func names(_ list: Substring) -> Set<String>? {
        let parts = list.split(separator: ",", omittingEmptySubsequences: false)
        let names = parts.compactMap { name($0, orEmpty: true) }
        return names.count == parts.count ? Set(names) : nil
    }

    private static func name(_ text: Substring, orEmpty: Bool = false) -> String? {
        let name = text.trimmed
        let isName = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./".contains($0)) }
        return isName && (orEmpty || !name.isEmpty) ? String(name) : nil
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return self[first...last]
    }
}
