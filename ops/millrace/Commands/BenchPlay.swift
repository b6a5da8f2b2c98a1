import ArgumentParser
import Foundation
import LoadGenerator

struct BenchPlay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play",
        abstract: "Plays a stream with many viewers; exits 1 when a viewer did not get all of it in time and order."
    )

    @Option(name: .customLong("protocol"), help: "How to play.") var transport: PlayOptions.Transport = .rtmp
    @Option(help: "rtmp://HOST[:PORT]/APP/ID or http://HOST[:PORT]/PATH.") var url: String
    @Option(help: "WHEP: how SRTP encrypts.") var srtp: PlayOptions.Cipher = .aesGCM
    @Option(help: "Viewers.") var viewers = 1
    @Option(help: "Measured window, in seconds.") var seconds = 10.0
    @Option(help: "From the last viewer's first frame to the window, in seconds.") var warmUp = 3.0
    @Option(help: "Viewers that connect in a second.") var ramp = 200
    @Option(help: "Viewers that play read every so many milliseconds; 0 reads at once.") var batchMs = 10
    @OptionGroup var bench: BenchOptions

    func validate() throws {
        guard viewers > 0, ramp > 0, batchMs >= 0, seconds > 0, warmUp >= 0 else {
            throw ValidationError("--viewers, --ramp and --seconds must be above 0, --batch-ms and --warm-up not below")
        }
        guard max(seconds, warmUp) <= BenchOptions.secondsMax else {
            throw ValidationError("--seconds and --warm-up may be at most \(Int(BenchOptions.secondsMax)): a day")
        }
        _ = try BenchOptions.target(url)
    }

    func run() async throws {
        var options = PlayOptions(transport: transport, target: try BenchOptions.target(url))
        options.cipher = srtp
        options.viewers = viewers
        options.window = .seconds(seconds)
        options.warmUp = .seconds(warmUp)
        options.connectsPerSecond = ramp
        options.batch = .milliseconds(batchMs)
        options.serverProcesses = bench.serverPID
        let report = try PlayRun(options, progress: BenchOptions.progress).run()
        try Output.show(report, json: bench.json) { Self.words(report) }
        if !report.faults.isEmpty { throw ExitCode.failure }
    }

    private static func words(_ report: PlayReport) -> String {
        let counts = report.transport == .hls ? hlsCounts(report) : frameCounts(report)
        var delays = Table("MILLISECONDS", "P50", "P99", "MAX", "COUNT")
        add("connect to first keyframe", report.firstFrame, to: &delays)
        add("publish to play, video", report.videoDelay, to: &delays)
        add("publish to socket, video", report.arrivalDelay, to: &delays)
        add("publish to play, audio", report.audioDelay, to: &delays)
        add("part at viewer", report.partDelay, to: &delays)
        add("jitter", report.jitter, to: &delays)
        var lines = [counts, "", delays.text, ""]
        if let server = report.server { lines.append(words(server, "viewer")) }
        if let packets = report.packets {
            let each = report.server?.packetsPerCPUSecond.map { ", \(number($0, 0)) a CPU second of the server" }
            lines.append("\(packets) packets, \(report.lostPackets ?? 0) lost" + (each ?? ""))
        }
        lines.append("generator: \(number(report.generatorCPUSeconds, 2)) CPU s")
        lines += report.failures.sorted { $0.key < $1.key }.map { "ended: \($0.value) × \($0.key)" }
        lines += report.faults.map { "FAULT: \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func frameCounts(_ report: PlayReport) -> String {
        var table = Table("VIEWERS", "SECONDS", "GBIT", "DELIVERED", "STALLS", "VIDEO", "AUDIO", "LOST", "BACKWARDS")
        table.add(
            "\(report.playing) of \(report.viewers)",
            number(report.seconds, 1),
            number(report.gigabits, 3),
            delivered(report),
            "\(report.stalls)",
            "\(report.videoFrames)",
            "\(report.audioFrames)",
            "\(report.lostFrames)",
            "\(report.backwardsTimestamps)"
        )
        return table.text
    }

    private static func hlsCounts(_ report: PlayReport) -> String {
        var table = Table("VIEWERS", "SECONDS", "GBIT", "DELIVERED", "STALLS", "PLAYLISTS", "GAPS")
        table.add(
            "\(report.playing) of \(report.viewers)",
            number(report.seconds, 1),
            number(report.gigabits, 3),
            delivered(report),
            "\(report.stalls)",
            "\(report.playlistReloads ?? 0)",
            "\(report.sequenceGaps ?? 0)"
        )
        return table.text
    }

    private static func delivered(_ report: PlayReport) -> String {
        report.deliveredRatio.map { number($0 * 100, 1) + " %" } ?? "unknown"
    }

    static func words(_ server: PlayReport.Server, _ unit: String) -> String {
        "server: \(number(server.cpuSeconds, 2)) CPU s, \(number(server.cpuSecondsPerGigabit, 4)) CPU s/Gbit, "
            + "\(server.residentKiBBefore) → \(server.residentKiBAtEnd) KiB resident, "
            + "\(number(server.residentKiBPerViewer, 1)) KiB a \(unit)"
    }

    static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

    private static func add(_ name: String, _ spread: SpreadSummary?, to table: inout Table) {
        guard let spread else { return }
        table.add(name, number(spread.p50, 2), number(spread.p99, 2), number(spread.max, 2), "\(spread.count)")
    }
}
