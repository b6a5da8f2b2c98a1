package import NIOCore

/// A cluster that exists only as calls of the control plane.
package struct ControlLoadOptions: Sendable {
    package var address: SocketAddress
    /// As in the `Host` field.
    package var host: String
    package var nodeToken: String
    package var workers = 10_000
    package var streams = 100_000
    package var groups = 50
    /// Calls on their way at once, each on a connection of its own; heartbeats have as many again.
    package var connections = 64
    /// Measured time of each timed phase.
    package var seconds = 20
    /// Seconds between two heartbeats of one worker.
    package var heartbeatInterval = 5.0
    package var serverProcesses: [Int] = []

    package init(address: SocketAddress, host: String, nodeToken: String) {
        self.address = address
        self.host = host
        self.nodeToken = nodeToken
    }

    package var heartbeatsPerSecond: Double { Double(workers) / heartbeatInterval }
}

/// What one phase cost.
package struct ControlLoadPhase: Codable, Sendable {
    package var name: String
    package var seconds: Double
    package var calls: Int
    package var callsPerSecond: Double
    /// Milliseconds; of calls that come at a fixed rate counted from when each was due.
    package var latency: SpreadSummary?
    /// Heartbeats that ran beside it, to keep the leases.
    package var heartbeats: Int
    package var heartbeatLatency: SpreadSummary?
    /// Of the control plane, for everything in the phase.
    package var cpuSeconds: Double
    package var cpuShare: Double
    /// What the phase's own calls cost: without the CPU time that its heartbeats take by the heartbeat phase's measure.
    package var cpuMicrosecondsPerCall: Double
    package var callsPerCPUSecond: Double
    package var residentKiB: Int
    package var storeWrites: Int
    /// Of these the renewals of leases; one serves many heartbeats.
    package var leaseCommits: Int
    package var generatorCPUShare: Double
    package var refused: [String: Int]
}

package struct ControlLoadReport: Codable, Sendable {
    package var workers: Int
    package var streams: Int
    package var residentKiBAtStart: Int
    package var residentKiBWithWorkers: Int
    package var residentKiBAtEnd: Int
    /// From before the first claim to the end.
    package var residentBytesPerStream: Double
    /// In the phase with heartbeats at their own rate.
    package var leaseCommitsPerHeartbeat: Double
    package var phases: [ControlLoadPhase]
}
