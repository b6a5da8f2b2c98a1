import ControlPlaneService
import Observability
import Settings
import Testing
import Worker

/// Words that may not stand in some sources, and what to write instead.
private struct Ban: Sendable, CustomStringConvertible {
    let words: [String]
    let folders: [String]
    let instead: String
    /// A line with this is allowed.
    var unless: String?

    var description: String { words.joined(separator: ", ") }
}

/// Cut in two so that this file does not hold the words itself.
private let bans = [
    Ban(
        words: ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK"],
        folders: SourceFiles.shipped + ["Tests"],
        instead: "finish it, or open an issue"
    ),
    Ban(words: [" print" + "("], folders: SourceFiles.shipped, instead: "log with LogKeys, or write to the output"),
    Ban(
        words: ["try" + "!", "as" + "!", "fatal" + "Error("],
        folders: SourceFiles.shipped,
        instead: "throw an error that says what, why and what to do"
    ),
    Ban(
        words: ["Date" + "()", ".now" + "()", "Clock" + ".now", "UUID" + "()", "Task" + ".sleep", "Task" + " {"],
        folders: SourceFiles.pure,
        instead: "take time and identity as arguments"
    ),
    Ban(
        words: [".random" + "(", "System" + "RandomNumberGenerator", "shuffled" + "()", "randomElement" + "()"],
        folders: SourceFiles.pure,
        instead: "take the generator as an argument",
        unless: "using:"
    ),
]

@Suite struct TidyTests {
    static let linesMax = 700

    @Test(arguments: bans)
    private func `banned words stand nowhere they are banned`(ban: Ban) {
        for file in SourceFiles.all where file.isUnder(ban.folders) {
            for (number, line) in file.lines.enumerated() {
                if let exception = ban.unless, line.contains(exception) { continue }
                for word in ban.words where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1): \(word): \(ban.instead)")
                }
            }
        }
    }

    @Test func `no file holds more than one idea can fill`() {
        #expect(SourceFiles.all.count > 50)
        for file in SourceFiles.all {
            #expect(file.lines.count <= Self.linesMax, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func `every metric has its one place in the table, and is used`() throws {
        let table = "Shared/Observability/MetricNames.swift"
        let others = SourceFiles.all.filter { $0.isUnder(SourceFiles.shipped) && $0.path != table }
        for file in others where file.path != "Shared/Observability/PrometheusMetrics.swift" {
            for (number, line) in file.lines.enumerated() where line.contains("\"millrace_") {
                Issue.record("\(file.path):\(number + 1): names a metric that is not from MetricNames")
            }
        }
        let code = others.flatMap(\.lines).joined(separator: "\n")
        let source = try #require(SourceFiles.text(table))
        let names = source.matches(of: /static let (\w+) = MetricName\(/).map { String($0.1) }
        #expect(names.count == MetricNames.all.count, "a metric is missing from MetricNames.all")
        for name in names where !code.contains("MetricNames.\(name)") {
            Issue.record("\(name) is never counted: take it out of MetricNames")
        }
    }

    @Test func `every setting is in the manual`() throws {
        let manual = try #require(SourceFiles.text("README.md"))
        for setting in WorkerSettings.table.settings + ControlPlaneSettings.table.settings {
            let name = setting.isSecret ? setting.environmentName : setting.flag
            #expect(manual.contains(name), "\(name) is not in README.md")
        }
    }
}
