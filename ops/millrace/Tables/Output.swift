import Foundation

/// What a command says on standard output: JSON for programs, words for people.
enum Output {
    static func show(_ value: some Encodable, json: Bool, words: () -> String) throws {
        guard json else { return line(words()) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        line(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// On standard error: what a command waits for is no part of its answer.
    static func progress(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    static func line(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
}
