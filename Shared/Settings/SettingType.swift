/// How a setting's text becomes a value.
package struct SettingType<Value: Sendable>: Sendable {
    package let placeholder: String
    package let allowed: String
    package let unit: String?
    package let isSwitch: Bool
    package let parse: @Sendable (String) -> Value?

    package init(
        placeholder: String,
        allowed: String,
        unit: String? = nil,
        isSwitch: Bool = false,
        parse: @escaping @Sendable (String) -> Value?
    ) {
        self.placeholder = placeholder
        self.allowed = allowed
        self.unit = unit
        self.isSwitch = isSwitch
        self.parse = parse
    }
}

extension SettingType<String> {
    /// Any text but none at all.
    package static func text(_ placeholder: String, allowed: String = "any text that is not empty") -> Self {
        Self(placeholder: placeholder, allowed: allowed) { $0.isEmpty ? nil : $0 }
    }

    package static func text(
        _ placeholder: String,
        allowed: String,
        where isAllowed: @escaping @Sendable (String) -> Bool
    ) -> Self {
        Self(placeholder: placeholder, allowed: allowed) { isAllowed($0) ? $0 : nil }
    }

    package static let path = Self(placeholder: "PATH", allowed: "a file path") { $0.isEmpty ? nil : $0 }
}

extension SettingType<Bool> {
    package static let boolean = Self(placeholder: "BOOL", allowed: "true or false", isSwitch: true) { text in
        switch text.lowercased() {
        case "true", "yes", "1", "on": true
        case "false", "no", "0", "off": false
        default: nil
        }
    }
}

extension SettingType<Int> {
    package static func integer(_ range: ClosedRange<Int>, unit: String? = nil) -> Self {
        let words = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return Self(placeholder: "N", allowed: words, unit: unit) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package static let port = Self(placeholder: "PORT", allowed: "a port from 0 to 65535 (0 turns it off)") { text in
        Int(text).flatMap { (0...65_535).contains($0) ? $0 : nil }
    }
}

extension SettingType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the cases of an enum, by raw value.
    package static func choice(_: Value.Type = Value.self) -> Self {
        let words = Value.allCases.map(\.rawValue)
        return Self(placeholder: words.joined(separator: "|"), allowed: "one of " + words.joined(separator: ", ")) {
            Value(rawValue: $0)
        }
    }
}

extension SettingType<Duration> {
    /// `30s`, `500ms`, `2m`, `1h`, or a plain number of `unit`.
    package static func duration(_ range: ClosedRange<Duration>, unit: DurationUnit = .seconds) -> Self {
        let words =
            "a duration from \(range.lowerBound) to \(range.upperBound), as 500ms, 30s, 2m, 1h or a plain number"
        return Self(placeholder: "TIME", allowed: words, unit: unit.word) { text in
            DurationUnit.parse(text, plain: unit).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension SettingType<ListenAddress> {
    package static let listenAddress = Self(placeholder: "HOST:PORT", allowed: ListenAddress.allowed) {
        ListenAddress($0)
    }
}

extension SettingType<[String]> {
    /// Comma separated `http://` or `https://` addresses; `words` are taken as they are.
    package static func urls(or words: [String] = []) -> Self {
        let also = words.isEmpty ? "" : " or " + words.joined(separator: ", ")
        return Self(
            placeholder: "URL,…",
            allowed: "http:// or https:// addresses with a host, comma separated" + also
        ) { text in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
                .map { String($0.drop(while: { $0 == " " })) }
            return parts.allSatisfy { words.contains($0) || isWebAddress($0) } ? parts : nil
        }
    }
}

extension SettingType<[AddressRange]> {
    package static let addressRanges = Self(
        placeholder: "CIDR,…",
        allowed: "addresses or ranges, comma separated, as 10.0.0.0/8 or 2001:db8::/32"
    ) { text in
        if text.isEmpty || text == "none" { return [] }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let ranges = parts.compactMap { AddressRange(String($0.drop(while: { $0 == " " }))) }
        return ranges.count == parts.count ? ranges : nil
    }
}

private func isWebAddress(_ text: String) -> Bool {
    for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
        let authority = String(text.dropFirst(scheme.count).prefix { $0 != "/" })
        return !text.contains(" ") && (ListenAddress(authority) ?? ListenAddress(authority + ":80")) != nil
    }
    return false
}
