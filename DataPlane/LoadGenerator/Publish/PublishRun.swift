import DTLS
import NIOCore
import Timebase

package struct PublishOptions: Sendable {
    package enum Transport: String, Codable, CaseIterable, Sendable {
        case rtmp
        /// Pictures only: a clip's sound is AAC.
        case whip
    }

    package var transport: Transport
    package var target: PlayTarget
    /// More than one: the number, from 1, is appended to the stream's name.
    package var streams = 1
    package var repeats = false
    /// Nil: until the clip is over, or for ever when it repeats.
    package var duration: Duration?
    package var serverProcesses: [Int] = []

    package init(transport: Transport, target: PlayTarget) {
        self.transport = transport
        self.target = target
    }
}

package struct PublishReport: Codable, Sendable {
    package var streams: Int
    package var seconds: Double
    package var bodyBytes: Int64
    package var gigabits: Double
    package var server: PlayReport.Server?
    package var failures: [String: Int]
}

/// Publishes a clip on one or many streams, paced by its timestamps, on one thread.
package final class PublishRun {
    private static let readBufferBytes = 64 << 10
    /// DTLS sends again what was lost after a fraction of a second.
    private static let checkInterval = Duration.milliseconds(100)
    /// Streams begin one after the other within this time, so that their keyframes do not coincide.
    private static let spread = Duration.seconds(2)

    private let clip: Clip
    private let options: PublishOptions
    private let poll: EventPoll
    /// A publisher and the connection that is polled for it.
    private struct Seat {
        let publisher: any Publisher
        var connection: Connection
        var awaitsWrite = true
    }

    private var seats: [Seat?] = []
    /// WHIP's, of all publishers.
    private var certificate: DTLSContext?
    private var failures: [String: Int] = [:]
    private var buffer = [UInt8](repeating: 0, count: readBufferBytes)

    package init(_ clip: Clip, _ options: PublishOptions) throws {
        self.clip = clip
        self.options = options
        poll = try EventPoll()
        OwnProcess.raiseDescriptorLimit()
    }

    package func run() throws -> PublishReport {
        let begun = MonotonicClock.now
        let before = try ProcessFigures(processes: options.serverProcesses)
        try open(at: begun)
        let end = options.duration.map { begun + $0 }
        var nextCheck = begun + Self.checkInterval
        var now = begun
        let interruption = Interruption()
        while !interruption.happened, end.map({ now < $0 }) ?? true, seats.contains(where: { $0 != nil }) {
            for index in seats.indices { act(index) { try $0.sendDue(at: now) } }
            if now >= nextCheck {
                for index in seats.indices { act(index) { try $0.checkTime(at: now) } }
                nextCheck = now + Self.checkInterval
            }
            now = MonotonicClock.now
            let wake = min(seats.compactMap { $0?.publisher.nextSend }.min() ?? nextCheck, nextCheck, end ?? nextCheck)
            let milliseconds = max(0, ((wake - now).nanoseconds + 999_999) / 1_000_000)
            _ = poll.wait(milliseconds: Int(milliseconds)) { self.serve($0) }
            now = MonotonicClock.now
        }
        let report = try report(since: begun, before: before)
        for seat in seats { seat?.publisher.finish(at: now) }
        return report
    }

    private func open(at now: MonotonicInstant) throws {
        for number in 0..<options.streams {
            var target = options.target
            if options.streams > 1 { target.path += String(number + 1) }
            let delay = Self.spread * number / max(1, options.streams)
            let clock = ClipClock(clip, repeats: options.repeats, delay: delay)
            let publisher = try publisher(clock, to: target, at: now)
            seats.append(Seat(publisher: publisher, connection: publisher.connection))
            poll.add(publisher.connection.descriptor, token: number, awaitsWrite: true)
        }
    }

    private func publisher(_ clock: ClipClock, to target: PlayTarget, at now: MonotonicInstant) throws -> any Publisher
    {
        let address = try target.address()
        switch options.transport {
        case .rtmp: return try RTMPPublisher(clock, to: target, address: address, at: now)
        case .whip:
            let certificate = try self.certificate ?? DTLSContext()
            self.certificate = certificate
            return try WHIPPublisher(clock, to: target, address: address, certificate: certificate)
        }
    }

    private func serve(_ ready: EventPoll.Ready) {
        act(ready.token) { publisher in
            let connection = publisher.connection
            switch try connection.receive(into: &buffer) {
            case .bytes(let count):
                try publisher.receive(ByteBuffer(bytes: buffer[..<count]), at: MonotonicClock.now)
            case .closed: throw ViewerFailure.closedByServer
            case .nothing: break
            }
            try connection.flush()
        }
    }

    /// Does something with a publisher, and ends it when that fails or it has sent everything.
    private func act(_ index: Int, _ body: (any Publisher) throws -> Void) {
        guard let publisher = seats[index]?.publisher else { return }
        do {
            try body(publisher)
            register(index, publisher.connection)
            guard publisher.isFinished else { return }
            publisher.finish(at: MonotonicClock.now)
        } catch { failures["\(error)", default: 0] += 1 }
        bodyBytesOfEnded += publisher.bodyBytes
        seats[index] = nil
    }

    /// Closing a connection takes it out of the poll.
    private func register(_ index: Int, _ connection: Connection) {
        let awaitsWrite = connection.owesBytes
        if seats[index]?.connection !== connection {
            poll.add(connection.descriptor, token: index, awaitsWrite: awaitsWrite)
        } else if seats[index]?.awaitsWrite != awaitsWrite {
            poll.change(connection.descriptor, token: index, awaitsWrite: awaitsWrite)
        }
        seats[index]?.connection = connection
        seats[index]?.awaitsWrite = awaitsWrite
    }

    private var bodyBytesOfEnded: Int64 = 0

    private func report(since begun: MonotonicInstant, before: ProcessFigures) throws -> PublishReport {
        let bodyBytes = seats.reduce(bodyBytesOfEnded) { $0 + ($1?.publisher.bodyBytes ?? 0) }
        let gigabits = Double(bodyBytes) * 8 / 1e9
        var report = PublishReport(
            streams: options.streams,
            seconds: (MonotonicClock.now - begun).secondsAsDouble,
            bodyBytes: bodyBytes,
            gigabits: gigabits,
            failures: failures
        )
        guard !options.serverProcesses.isEmpty else { return report }
        let after = try ProcessFigures(processes: options.serverProcesses)
        report.server = PlayReport.Server(
            cpuSeconds: after.cpuSeconds - before.cpuSeconds,
            cpuSecondsPerGigabit: gigabits > 0 ? (after.cpuSeconds - before.cpuSeconds) / gigabits : 0,
            residentKiBBefore: before.residentKiB,
            residentKiBAtEnd: after.residentKiB,
            residentKiBPerViewer: Double(after.residentKiB - before.residentKiB) / Double(options.streams)
        )
        return report
    }
}
