import DTLS
import Glibc
import NIOCore
import SecureTransport
import Timebase

/// Many viewers on one thread: connects them at a steady pace, waits until all play, then measures a window.
package final class PlayRun {
    private final class Seat {
        let viewer: any Viewer
        var connection: Connection?
        var awaitsWrite = true
        var isBatched = false

        init(_ viewer: any Viewer, _ connection: Connection) {
            self.viewer = viewer
            self.connection = connection
        }
    }

    private static let readBufferBytes = 256 << 10
    private static let timerInterval = Duration.milliseconds(50)

    private let options: PlayOptions
    private let address: SocketAddress
    private let meter = PlayMeter()
    private let shared = SharedObjects()
    private let progress: (String) -> Void
    private var seats: [Seat] = []
    private var failures: [String: Int] = [:]
    /// WHEP's, of all viewers.
    private var certificate: DTLSContext?
    /// Viewers without a first frame are read at once; the others every `batch`.
    private let prompt: EventPoll
    private let batched: EventPoll
    private var nextBatch: MonotonicInstant
    private var nextTimers: MonotonicInstant
    private var buffer = [UInt8](repeating: 0, count: readBufferBytes)
    private let inbox = DatagramInbox()
    /// Calls of the inbox for one viewer, before the others have their turn.
    private static let inboxReadsMax = 8

    package init(_ options: PlayOptions, progress: @escaping (String) -> Void) throws {
        self.options = options
        self.progress = progress
        address = try options.target.address()
        prompt = try EventPoll()
        batched = try EventPoll()
        nextBatch = MonotonicClock.now
        nextTimers = nextBatch
        OwnProcess.raiseDescriptorLimit()
    }

    package func run() throws -> PlayReport {
        let before = try ProcessFigures(processes: options.serverProcesses)
        openAll()
        awaitFirstFrames()
        pump(until: MonotonicClock.now + options.warmUp)
        return try measure(before: before)
    }

    // MARK: Phases

    private func openAll() {
        let start = MonotonicClock.now
        for number in 0..<options.viewers {
            pump(until: start + .seconds(Double(number) / Double(options.connectsPerSecond)))
            open()
        }
    }

    private func awaitFirstFrames() {
        let deadline = MonotonicClock.now + options.setupTimeout
        var waiting = waitingViewers
        while waiting > 0, MonotonicClock.now < deadline {
            pump(until: min(deadline, MonotonicClock.now + .milliseconds(100)))
            waiting = waitingViewers
        }
        progress("\(playing) of \(options.viewers) viewers play")
    }

    private func measure(before: ProcessFigures) throws -> PlayReport {
        let begun = MonotonicClock.now
        for seat in seats where seat.connection != nil { seat.viewer.windowBegins(at: begun) }
        meter.isMeasuring = true
        let atBegin = try ProcessFigures(processes: options.serverProcesses)
        let ownAtBegin = OwnProcess.cpuSeconds
        pump(until: begun + options.window)
        let atEnd = try ProcessFigures(processes: options.serverProcesses)
        let ended = MonotonicClock.now
        meter.isMeasuring = false
        for seat in seats where seat.connection != nil { seat.viewer.windowEnds(at: ended) }
        var report = report(seconds: (ended - begun).secondsAsDouble)
        report.generatorCPUSeconds = OwnProcess.cpuSeconds - ownAtBegin
        if !options.serverProcesses.isEmpty {
            let cpuSeconds = atEnd.cpuSeconds - atBegin.cpuSeconds
            report.server = PlayReport.Server(
                cpuSeconds: cpuSeconds,
                cpuSecondsPerGigabit: report.gigabits > 0 ? cpuSeconds / report.gigabits : 0,
                residentKiBBefore: before.residentKiB,
                residentKiBAtEnd: atEnd.residentKiB,
                residentKiBPerViewer: Double(atEnd.residentKiB - before.residentKiB) / Double(options.viewers),
                packetsPerCPUSecond: cpuSeconds > 0 ? report.packets.map { Double($0) / cpuSeconds } : nil
            )
        }
        return report
    }

    private func report(seconds: Double) -> PlayReport {
        PlayReport(
            transport: options.transport,
            viewers: options.viewers,
            playing: playing,
            seconds: seconds,
            wireBytes: meter.wireBytes,
            gigabits: Double(meter.wireBytes) * 8 / 1e9,
            bodyBytes: meter.bodyBytes,
            deliveredRatio: deliveredRatio(seconds: seconds),
            videoFrames: meter.videoFrames,
            audioFrames: meter.audioFrames,
            keyframes: meter.keyframes,
            lostFrames: meter.lostFrames,
            stalls: meter.stalls,
            backwardsTimestamps: meter.backwardsTimestamps,
            firstFrame: meter.firstFrame.summary,
            videoDelay: meter.videoDelay.summary,
            arrivalDelay: meter.arrivalDelay.summary,
            audioDelay: meter.audioDelay.summary,
            partDelay: meter.partDelay.summary,
            playlistReloads: options.transport == .hls ? meter.playlistReloads : nil,
            sequenceGaps: options.transport == .hls ? meter.sequenceGaps : nil,
            packets: options.transport == .whep ? meter.packets : nil,
            lostPackets: options.transport == .whep ? meter.lostPackets : nil,
            jitter: meter.jitter.summary,
            generatorCPUSeconds: 0,
            failures: failures
        )
    }

    /// The publisher's rate is read from the widest pair of stamps that one viewer saw.
    private func deliveredRatio(seconds: Double) -> Double? {
        let spans = seats.compactMap(\.viewer.stamps)
        // The sound may be in another codec than it was published in: packets tell what is missing.
        guard options.transport != .whep,
            let widest = spans.max(by: { $0.last.sequence - $0.first.sequence < $1.last.sequence - $1.first.sequence })
        else { return nil }
        let published = Double(widest.last.bodyBytesBefore - widest.first.bodyBytesBefore)
        let duration = (widest.last.sentAt - widest.first.sentAt).secondsAsDouble
        guard published > 0, duration > 0 else { return nil }
        return Double(meter.bodyBytes) / (published / duration * seconds * Double(options.viewers))
    }

    private var playing: Int { seats.count { $0.connection != nil && $0.viewer.hasFirstFrame } }
    private var waitingViewers: Int { seats.count { $0.connection != nil && !$0.viewer.hasFirstFrame } }

    // MARK: Connections

    private func open() {
        let now = MonotonicClock.now
        do {
            let connection = try Connection(to: address)
            let viewer: any Viewer =
                switch options.transport {
                case .rtmp: RTMPViewer(options.target, meter: meter, openedAt: now)
                case .httpFLV: FLVViewer(options.target, meter: meter, openedAt: now)
                case .hls: HLSViewer(options.target, meter: meter, shared: shared, openedAt: now)
                case .whep:
                    try WHEPViewer(options.target, meter: meter, certificate: try clientCertificate(), openedAt: now)
                }
            try viewer.begin(on: connection, at: now)
            seats.append(Seat(viewer, connection))
            prompt.add(connection.descriptor, token: seats.count - 1, awaitsWrite: true)
        } catch { failures["\(error)", default: 0] += 1 }
    }

    private func clientCertificate() throws -> DTLSContext {
        if let certificate { return certificate }
        let suite: SRTPSuite =
            switch options.cipher {
            case .aesGCM: .aeadAES128GCM
            case .aesCM: .aes128CMSHA1_80
            }
        let made = try DTLSContext(suites: [suite])
        certificate = made
        return made
    }

    /// Moves bytes until `deadline`.
    private func pump(until deadline: MonotonicInstant) {
        var now = MonotonicClock.now
        while now < deadline {
            let wake = min(deadline, max(nextBatch, now))
            let milliseconds = ((wake - now).nanoseconds + 999_999) / 1_000_000
            _ = prompt.wait(milliseconds: Int(milliseconds)) { self.serve($0) }
            now = MonotonicClock.now
            guard now >= nextBatch else { continue }
            nextBatch = max(nextBatch + interval, now)
            while batched.wait(milliseconds: 0, { self.serve($0) }) {}
            now = MonotonicClock.now
            if hasTimers, now >= nextTimers { runTimers(at: now) }
        }
    }

    private var hasTimers: Bool {
        switch options.transport {
        case .hls, .whep: true
        case .rtmp, .httpFLV: false
        }
    }

    private func runTimers(at now: MonotonicInstant) {
        nextTimers = now + Self.timerInterval
        for (token, seat) in seats.enumerated() {
            guard let connection = seat.connection else { continue }
            do {
                try seat.viewer.timePassed(on: connection, at: now)
                if connection.owesBytes { try connection.flush() }
                register(seat, connection, token: token)
            } catch { end(seat, because: "\(error)") }
        }
    }

    /// Without batches only timers are looked at.
    private var interval: Duration { options.batch > .zero ? options.batch : .milliseconds(10) }

    private func serve(_ ready: EventPoll.Ready) {
        let seat = seats[ready.token]
        guard let connection = seat.connection else { return }
        do {
            if connection.carriesDatagrams {
                try readDatagrams(of: seat.viewer, on: connection)
            } else {
                switch try connection.receive(into: &buffer) {
                case .bytes(let count):
                    meter.count(wire: count)
                    let now = MonotonicClock.now
                    try seat.viewer.receive(buffer.span.extracting(0..<count), on: connection, at: now)
                case .closed: throw ViewerFailure.closedByServer
                case .nothing: break
                }
            }
            if let successor = seat.viewer.takeSuccessor() {
                return move(seat, to: successor, token: ready.token)
            }
            if connection.owesBytes { try connection.flush() }
            register(seat, connection, token: ready.token)
        } catch { end(seat, because: "\(error)") }
    }

    /// What the inbox leaves is reported again.
    private func readDatagrams(of viewer: any Viewer, on connection: Connection) throws {
        for _ in 0..<Self.inboxReadsMax {
            let count = try inbox.receive(on: connection.descriptor)
            for place in 0..<count {
                let datagram = inbox[place]
                meter.count(wire: datagram.count)
                try viewer.receive(
                    datagram: datagram,
                    arrival: inbox.arrival(place),
                    on: connection,
                    at: MonotonicClock.now
                )
            }
            if count < DatagramInbox.datagramsMax { return }
        }
    }

    /// Closing the former takes it out of its poll.
    private func move(_ seat: Seat, to successor: Connection, token: Int) {
        seat.connection = successor
        (seat.awaitsWrite, seat.isBatched) = (successor.owesBytes, false)
        prompt.add(successor.descriptor, token: token, awaitsWrite: successor.owesBytes)
    }

    private func register(_ seat: Seat, _ connection: Connection, token: Int) {
        if !seat.isBatched, seat.viewer.hasFirstFrame, options.batch > .zero {
            prompt.remove(connection.descriptor)
            seat.isBatched = true
            seat.awaitsWrite = connection.owesBytes
            batched.add(connection.descriptor, token: token, awaitsWrite: seat.awaitsWrite)
        } else if seat.awaitsWrite != connection.owesBytes {
            seat.awaitsWrite = connection.owesBytes
            let poll = seat.isBatched ? batched : prompt
            poll.change(connection.descriptor, token: token, awaitsWrite: seat.awaitsWrite)
        }
    }

    private func end(_ seat: Seat, because reason: String) {
        // Closing takes the descriptor out of its poll.
        seat.connection = nil
        failures[reason, default: 0] += 1
    }
}
