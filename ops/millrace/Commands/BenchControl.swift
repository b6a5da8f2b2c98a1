import ArgumentParser
import Foundation
import LoadGenerator
import NIOCore

struct BenchControl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control",
        abstract: "Makes calls of many simulated workers to a control plane that has no other work.",
        discussion: "The node token comes from MILLRACE_NODE_TOKEN. ops/bench-control starts the control plane too."
    )

    @Option(help: "Host of the control plane; an IP address.") var host = "127.0.0.1"
    @Option(help: "Port of the control plane.") var port = 5070
    @Option(help: "Workers to simulate.") var workers = 10_000
    @Option(help: "Streams they own together.") var streams = 100_000
    @Option(help: "Groups the workers are in.") var groups = 50
    @Option(help: "Calls on their way at once; heartbeats have as many again.") var connections = 64
    @Option(help: "Measured seconds of each timed phase.") var seconds = 20
    @Option(help: "Also write the figures to this file, as JSON.") var report: String?
    @OptionGroup var bench: BenchOptions

    func validate() throws {
        guard workers > 0, streams >= 0, groups > 0, connections > 0, seconds > 0 else {
            throw ValidationError("--workers, --groups, --connections and --seconds must be above 0")
        }
        guard !bench.serverPID.isEmpty else { throw ValidationError("--server-pid: name the control plane's process") }
    }

    func run() async throws {
        guard let token = ProcessInfo.processInfo.environment["MILLRACE_NODE_TOKEN"] else {
            throw ValidationError("MILLRACE_NODE_TOKEN is not set; it is the control plane's node token")
        }
        var options = ControlLoadOptions(
            address: try SocketAddress(ipAddress: host, port: port),
            host: "\(host):\(port)",
            nodeToken: token
        )
        options.workers = workers
        options.streams = streams
        options.groups = groups
        options.connections = connections
        options.seconds = seconds
        options.serverProcesses = bench.serverPID
        let figures = try ControlLoadRun(options, progress: BenchOptions.progress).run()
        try Output.show(figures, json: bench.json) { Self.words(figures) }
        if let report { try JSONEncoder().encode(figures).write(to: URL(fileURLWithPath: report)) }
    }

    private static func words(_ report: ControlLoadReport) -> String {
        var table = Table(
            "PHASE",
            "CALLS",
            "CALLS/S",
            "P50 MS",
            "P99 MS",
            "CPUS",
            "µS CPU/CALL",
            "CALLS/CPU S",
            "MIB",
            "WRITES",
            "REFUSED"
        )
        for phase in report.phases {
            table.add(
                phase.name,
                "\(phase.calls)",
                number(phase.callsPerSecond, 0),
                number(phase.latency?.p50, 2),
                number(phase.latency?.p99, 2),
                number(phase.cpuShare, 2),
                number(phase.cpuMicrosecondsPerCall, 0),
                number(phase.callsPerCPUSecond, 0),
                "\(phase.residentKiB / 1024)",
                "\(phase.storeWrites)",
                phase.refused.map { "\($0.value) × \($0.key)" }.sorted().joined(separator: ", ")
            )
        }
        let bytes = number(report.residentBytesPerStream, 0)
        return table.text
            + "\n\(report.workers) workers, \(report.streams) streams: \(bytes) bytes of memory a stream, "
            + "\(number(report.leaseCommitsPerHeartbeat, 3)) commits of leases a heartbeat"
    }

    private static func number(_ value: Double?, _ digits: Int) -> String {
        value.map { String(format: "%.\(digits)f", $0) } ?? "-"
    }
}
