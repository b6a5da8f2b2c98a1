/// A word out of a few, as JSON has it. Who writes another is told which there are.
package protocol Choice: RawRepresentable, CaseIterable, Codable, Sendable where RawValue == String {}

/// The reason under the `DecodingError` of a word that is none of the choice.
package struct NotAmong: Error, Hashable {
    package let words: [String]
}

extension Choice {
    package init(from decoder: any Decoder) throws {
        let word = try decoder.singleValueContainer().decode(String.self)
        guard let choice = Self(rawValue: word) else {
            let words = Self.allCases.map(\.rawValue)
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "allowed is \(words.joined(separator: ", "))",
                    underlyingError: NotAmong(words: words)
                )
            )
        }
        self = choice
    }
}
