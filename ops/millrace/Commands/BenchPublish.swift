import ArgumentParser
import Foundation
import LoadGenerator

struct BenchPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publishes an FLV file at its own pace, with a send time in each H.264 frame."
    )

    @Option(name: .customLong("protocol"), help: "How to publish; whip sends the pictures only.")
    var transport: PublishOptions.Transport = .rtmp
    @Option(help: "The file; H.264 and AAC as ffmpeg writes them.", completion: .file(extensions: ["flv"])) var file:
        String
    @Option(help: "rtmp://HOST[:PORT]/APP/ID or http://HOST[:PORT]/APP/whip/ID; --streams appends the number to ID.")
    var url: String
    @Option(help: "Streams to publish at once.") var streams = 1
    @Flag(help: "Begin anew at the end, with timestamps that go on growing.") var loop = false
    @Option(help: "Stop after so many seconds; else at the end of the file, or never with --loop.") var seconds: Double?
    @OptionGroup var bench: BenchOptions

    func validate() throws {
        guard streams > 0, seconds ?? 1 > 0 else { throw ValidationError("--streams and --seconds must be above 0") }
        guard seconds ?? 1 <= BenchOptions.secondsMax else {
            throw ValidationError("--seconds may be at most \(Int(BenchOptions.secondsMax)): a day")
        }
        let scheme = transport == .rtmp ? "rtmp" : "http"
        guard try BenchOptions.target(url).scheme == scheme else {
            throw ValidationError("--url: --protocol \(transport.rawValue) goes to \(scheme)://")
        }
    }

    func run() async throws {
        var options = PublishOptions(transport: transport, target: try BenchOptions.target(url))
        options.streams = streams
        options.repeats = loop
        options.duration = seconds.map { .seconds($0) }
        options.serverProcesses = bench.serverPID
        let report = try PublishRun(try Clip(path: file), options).run()
        try Output.show(report, json: bench.json) { Self.words(report) }
        if !report.failures.isEmpty { throw ExitCode.failure }
    }

    private static func words(_ report: PublishReport) -> String {
        var lines = [
            "published \(report.streams) streams for \(BenchPlay.number(report.seconds, 1)) s, "
                + "\(BenchPlay.number(report.gigabits, 3)) Gbit"
        ]
        if let server = report.server { lines.append(BenchPlay.words(server, "stream")) }
        lines += report.failures.sorted { $0.key < $1.key }.map { "ended: \($0.value) × \($0.key)" }
        return lines.joined(separator: "\n")
    }
}
