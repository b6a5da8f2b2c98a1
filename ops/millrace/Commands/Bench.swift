import ArgumentParser
import Foundation
import LoadGenerator

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts load on a server and measures it.",
        discussion:
            "Publisher and players on one machine share a clock: the publisher stamps its frames, the players read how late they are.",
        subcommands: [BenchPlay.self, BenchPublish.self, BenchControl.self, BenchTranscode.self]
    )
}

/// What both sides of a benchmark are asked.
struct BenchOptions: ParsableArguments {
    @Option(help: "Process of the server, to measure its CPU time and memory. May be given more than once.")
    var serverPID: [Int] = []

    @Flag(help: "Answer with JSON.")
    var json = false

    static let secondsMax = 86_400.0

    static func target(_ url: String) throws -> PlayTarget {
        do { return try PlayTarget(url) } catch { throw ValidationError("--url: \(error)") }
    }

    static func progress(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}

extension PlayOptions.Transport: ExpressibleByArgument {}
extension PublishOptions.Transport: ExpressibleByArgument {}
extension PlayOptions.Cipher: ExpressibleByArgument {}
