import NIOCore
import Timebase

package struct PublishOptions: Sendable {
    package var target: PlayTarget
    /// More than one: the number, from 1, is appended to the stream's name.
    package var streams = 1
    package var repeats = false
    /// Nil: until the clip is over, or for ever when it repeats.
    package var duration: Duration?
    package var serverProcesses: [Int] = []

    package init(target: PlayTarget) { self.target = target }
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
    private static let checkInterval = Duration.seconds(1)
    /// Streams begin one after the other within this time, so that their keyframes do not coincide.
    private static let spread = Duration.seconds(2)

    private let clip: Clip
    private let options: PublishOptions
    private let poll: EventPoll
    private var streams: [PublishedStream?] = []
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
        while !interruption.happened, end.map({ now < $0 }) ?? true, streams.contains(where: { $0 != nil }) {
            for index in streams.indices { act(index) { try $0.sendDue(at: now) } }
            if now >= nextCheck {
                for index in streams.indices { act(index) { try $0.checkTime(at: now) } }
                nextCheck = now + Self.checkInterval
            }
            now = MonotonicClock.now
            let wake = min(streams.compactMap { $0?.nextSend }.min() ?? nextCheck, nextCheck, end ?? nextCheck)
            let milliseconds = max(0, ((wake - now).nanoseconds + 999_999) / 1_000_000)
            _ = poll.wait(milliseconds: Int(milliseconds)) { self.serve($0) }
            now = MonotonicClock.now
        }
        let report = try report(since: begun, before: before)
        for stream in streams { stream?.finish(at: now) }
        return report
    }

    private func open(at now: MonotonicInstant) throws {
        let address = try options.target.address()
        for number in 0..<options.streams {
            var target = options.target
            if options.streams > 1 { target.path += String(number + 1) }
            let delay = Self.spread * number / max(1, options.streams)
            let stream = try PublishedStream(
                clip,
                to: target,
                address: address,
                repeats: options.repeats,
                delay: delay,
                at: now
            )
            streams.append(stream)
            poll.add(stream.connection.descriptor, token: number, awaitsWrite: true)
        }
    }

    private func serve(_ ready: EventPoll.Ready) {
        act(ready.token) { stream in
            switch try stream.connection.receive(into: &buffer) {
            case .bytes(let count):
                try stream.receive(ByteBuffer(bytes: buffer[..<count]), at: MonotonicClock.now)
            case .closed: throw ViewerFailure.closedByServer
            case .nothing: break
            }
            try stream.connection.flush()
        }
    }

    /// Does something with a stream, and ends it when that fails or it has sent everything.
    private func act(_ index: Int, _ body: (PublishedStream) throws -> Void) {
        guard let stream = streams[index] else { return }
        do {
            try body(stream)
            if stream.awaitsWrite != stream.connection.owesBytes {
                stream.awaitsWrite.toggle()
                poll.change(stream.connection.descriptor, token: index, awaitsWrite: stream.awaitsWrite)
            }
            guard stream.isFinished else { return }
            stream.finish(at: MonotonicClock.now)
        } catch { failures["\(error)", default: 0] += 1 }
        bodyBytesOfEnded += stream.bodyBytes
        streams[index] = nil
    }

    private var bodyBytesOfEnded: Int64 = 0

    private func report(since begun: MonotonicInstant, before: ProcessFigures) throws -> PublishReport {
        let bodyBytes = streams.reduce(bodyBytesOfEnded) { $0 + ($1?.bodyBytes ?? 0) }
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
