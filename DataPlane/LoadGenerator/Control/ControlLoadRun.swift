import Glibc
import Observability
import Timebase

/// Registers workers, claims streams, asks for routes and sends heartbeats, one phase after the other, while the workers'
/// leases are kept by heartbeats at their own rate.
package final class ControlLoadRun {
    private let options: ControlLoadOptions
    private let calls: ControlConnections
    private let beats: ControlConnections
    private var requests: ControlRequests
    private var random = SystemRandomNumberGenerator()
    private let progress: (String) -> Void

    // Heartbeats in the background.
    private var isBeating = false
    private var nextBeatAt = MonotonicInstant(nanoseconds: 0)
    private var nextBeater = 0
    /// What a heartbeat costs by the phase that has nothing else, for the phases that have both.
    private var heartbeatMicroseconds: Double?

    // Of the phase that runs.
    private var latency = Spread()
    private var heartbeatLatency = Spread()
    private var answered = 0
    private var heartbeats = 0
    private var refused: [String: Int] = [:]
    private var lastText = ""

    package init(_ options: ControlLoadOptions, progress: @escaping (String) -> Void) throws {
        self.options = options
        self.progress = progress
        calls = try ControlConnections(options.connections, to: options.address)
        beats = try ControlConnections(options.connections, to: options.address)
        requests = ControlRequests(options)
    }

    package func run() throws -> ControlLoadReport {
        let start = try figures().residentKiB
        var phases = [try register()]
        let withWorkers = try figures().residentKiB
        phases.append(try settle("idle workers"))
        let beforeClaims = try figures().residentKiB
        phases.append(try claim())
        let loaded = try settle("heartbeats at their rate")
        phases.append(loaded)
        phases.append(try saturate())
        phases.append(try route())
        phases.append(try reroute())
        let end = try figures().residentKiB
        return ControlLoadReport(
            workers: options.workers,
            streams: options.streams,
            residentKiBAtStart: start,
            residentKiBWithWorkers: withWorkers,
            residentKiBAtEnd: end,
            residentBytesPerStream: Double(end - beforeClaims) * 1024 / Double(max(1, options.streams)),
            leaseCommitsPerHeartbeat: Double(loaded.leaseCommits) / Double(max(1, loaded.heartbeats)),
            phases: phases
        )
    }

    // MARK: Phases

    private func register() throws -> ControlLoadPhase {
        try phase("register", count: options.workers, subtractsHeartbeats: false) { self.requests.register($0) }
    }

    /// Nothing but heartbeats at the workers' own rate.
    private func settle(_ name: String) throws -> ControlLoadPhase {
        startBeating()
        // What the generator owes from a phase that left it no time is not the server's delay.
        nextBeatAt = MonotonicClock.now
        // One round first, so that every worker has told what it holds.
        try spend(.milliseconds(Int64(options.heartbeatInterval * 1000)))
        let phase = try measured(name, subtractsHeartbeats: false) { try self.spend(.seconds(self.options.seconds)) }
        heartbeatMicroseconds = phase.cpuSeconds * 1e6 / Double(max(1, phase.heartbeats))
        return phase
    }

    private func claim() throws -> ControlLoadPhase {
        try phase("claim", count: options.streams) { self.requests.claim($0) }
    }

    /// Heartbeats as fast as they are answered.
    private func saturate() throws -> ControlLoadPhase {
        isBeating = false
        defer { startBeating() }
        var worker = 0
        return try phase("heartbeats, all it can", count: nil, subtractsHeartbeats: false) { _ in
            worker = (worker + 1) % self.options.workers
            return self.requests.heartbeat(worker)
        }
    }

    /// Each a stream the asker's group has not pulled yet, so that each makes a secondary: one write.
    private func route() throws -> ControlLoadPhase {
        try phase("route, first of a group", count: options.streams) { stream in
            self.requests.route(stream, to: (self.requests.owner(of: stream) + 1) % self.options.workers)
        }
    }

    /// Asks again from another group and node each time.
    private func reroute() throws -> ControlLoadPhase {
        try phase("route, known to the group", count: nil) { number in
            let stream = number % self.options.streams
            let asker = self.requests.owner(of: stream) + 1 + self.options.groups
            return self.requests.route(stream, to: asker % self.options.workers)
        }
    }

    // MARK: The loop

    /// Sends `count` calls, or as many as the measured time allows, as fast as they are answered.
    private func phase(
        _ name: String,
        count: Int?,
        subtractsHeartbeats: Bool = true,
        _ make: (Int) -> ControlCall
    ) throws -> ControlLoadPhase {
        try measured(name, subtractsHeartbeats: subtractsHeartbeats) {
            let end = MonotonicClock.now + .seconds(self.options.seconds)
            var sent = 0
            while count.map({ sent < $0 }) ?? (MonotonicClock.now < end) {
                while self.calls.hasRoom, count.map({ sent < $0 }) ?? true {
                    var call = make(sent)
                    call.dueAt = MonotonicClock.now
                    try self.calls.send(call)
                    sent += 1
                }
                try self.turn()
            }
            try self.finishCalls()
        }
    }

    private func measured(
        _ name: String,
        subtractsHeartbeats: Bool,
        _ body: () throws -> Void
    ) throws -> ControlLoadPhase {
        progress("\(name) …")
        try finishCalls()
        let writesBefore = try storeWrites()
        (latency, heartbeatLatency, answered, heartbeats, refused) = (Spread(), Spread(), 0, 0, [:])
        let (start, before, own) = (MonotonicClock.now, try figures(), OwnProcess.cpuSeconds)
        try body()
        let (end, after, ownAfter) = (MonotonicClock.now, try figures(), OwnProcess.cpuSeconds)
        let (count, beatCount) = (answered, heartbeats)
        let (spread, beatSpread, refusals) = (latency.summary, heartbeatLatency.summary, refused)
        // Itself a call that is answered.
        let writes = try storeWrites()
        let seconds = Double((end - start).nanoseconds) / 1e9
        let cpu = after.cpuSeconds - before.cpuSeconds
        let beatCost = subtractsHeartbeats ? Double(beatCount) * (heartbeatMicroseconds ?? 0) / 1e6 : 0
        let ownCalls = count > 0 ? count : beatCount
        let cost = max(cpu - beatCost, 0) / Double(max(1, ownCalls))
        return ControlLoadPhase(
            name: name,
            seconds: seconds,
            calls: ownCalls,
            callsPerSecond: Double(ownCalls) / seconds,
            latency: count > 0 ? spread : beatSpread,
            heartbeats: beatCount,
            heartbeatLatency: beatSpread,
            cpuSeconds: cpu,
            cpuShare: cpu / seconds,
            cpuMicrosecondsPerCall: cost * 1e6,
            callsPerCPUSecond: cost > 0 ? 1 / cost : 0,
            residentKiB: after.residentKiB,
            storeWrites: writes.all - writesBefore.all,
            leaseCommits: writes.leases - writesBefore.leases,
            generatorCPUShare: (ownAfter - own) / seconds,
            refused: refusals
        )
    }

    private func startBeating() {
        guard !isBeating else { return }
        isBeating = true
        nextBeatAt = MonotonicClock.now
    }

    private func spend(_ duration: Duration) throws {
        let end = MonotonicClock.now + duration
        while MonotonicClock.now < end { try turn() }
    }

    private func finishCalls() throws {
        while calls.underWay > 0 { try turn() }
    }

    /// Sends the heartbeats that are due and takes what was answered.
    private func turn() throws {
        let interval = Duration.nanoseconds(Int64(1e9 / options.heartbeatsPerSecond))
        while isBeating, beats.hasRoom, nextBeatAt <= MonotonicClock.now {
            var call = requests.heartbeat(nextBeater)
            call.dueAt = nextBeatAt
            try beats.send(call)
            nextBeater = (nextBeater + 1) % options.workers
            nextBeatAt = nextBeatAt + interval
        }
        try beats.collect(milliseconds: 0) { [self] call, answer in
            heartbeats += 1
            heartbeatLatency.record(MonotonicClock.now - call.dueAt)
            note(call, answer)
        }
        let isIdle = calls.underWay == 0
        try calls.collect(milliseconds: isIdle ? 0 : 1) { [self] call, answer in
            answered += 1
            latency.record(MonotonicClock.now - call.dueAt)
            note(call, answer)
        }
        // Half a millisecond: the generator shares the machine with what it measures.
        if isIdle { usleep(500) }
    }

    private func note(_ call: ControlCall, _ answer: ControlAnswer) {
        if call.kind == .claim, answer.status == 201, let epoch = answer.integer("epoch") {
            requests.claimed(call.stream, epoch: epoch)
        }
        if call.kind == .other { lastText = String(decoding: answer.body, as: UTF8.self) }
        if !(200..<300).contains(answer.status) { refused["\(call.kind) \(answer.status)", default: 0] += 1 }
    }

    private func figures() throws -> ProcessFigures { try ProcessFigures(processes: options.serverProcesses) }

    /// Calls of the store that wrote, by the control plane's own count: a batch of renewals is one.
    private func storeWrites() throws -> (all: Int, leases: Int) {
        var call = requests.read("/metrics")
        call.dueAt = MonotonicClock.now
        try finishCalls()
        try calls.send(call)
        try finishCalls()
        let leases = storeCalls("renew")
        return (leases + storeCalls("write") + storeCalls("delete"), leases)
    }

    private func storeCalls(_ operation: String) -> Int {
        let name = "\(MetricNames.storeOperationTime.name)_count{operation=\"\(operation)\"}"
        let line = lastText.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}
