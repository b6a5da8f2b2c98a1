import Foundation
import Synchronization

/// What one player got, and when: its frames, or with HLS the parts that its playlist named.
package final class Witness: Sendable {
    package struct Sighting: Hashable, Sendable {
        package let at: ContinuousClock.Instant
        /// Grows along the stream: seconds of media time, with HLS `sequence + part / 1000`.
        package let position: Double
    }

    private struct Log {
        var sightings: [Sighting] = []
        var complaints: [String] = []
        var connections = 0
        var hasEnded = false
    }

    package let name: String
    private let log = Mutex(Log())
    private let ending: Mutex<(@Sendable () -> Void)?>

    /// - Parameter begin: starts to play and tells the witness of it, until what it returns is called.
    package init(_ name: String, _ begin: (Witness) throws -> @Sendable () -> Void) rethrows {
        self.name = name
        ending = Mutex(nil)
        let end = try begin(self)
        ending.withLock { $0 = end }
    }

    deinit { leave() }

    package func leave() {
        let end = ending.withLock { ending in
            defer { ending = nil }
            return ending
        }
        end?()
    }

    // MARK: Told by the player

    func connected() { log.withLock { $0.connections += 1 } }

    func saw(_ position: Double) {
        let sighting = Sighting(at: .now, position: position)
        log.withLock { $0.sightings.append(sighting) }
    }

    func complains(_ complaint: String) { log.withLock { $0.complaints.append(complaint) } }

    func ended() { log.withLock { $0.hasEnded = true } }

    // MARK: Asked by the test

    package var sightings: [Sighting] { log.withLock { $0.sightings } }
    /// What was not as it should be, in words.
    package var complaints: [String] { log.withLock { $0.complaints } }
    package var connections: Int { log.withLock { $0.connections } }
    /// The player's only connection is over.
    package var hasEnded: Bool { log.withLock { $0.hasEnded } }

    package func waitForMore(_ count: Int = 25, within limit: Duration = .seconds(30)) async throws {
        let before = sightings.count
        try await eventually("\(name) sees \(count) more; \(complaints.suffix(3))", within: limit) {
            sightings.count >= before + count
        }
    }

    /// The longest time in which nothing new came, from the last sighting before `begin` to `end` or now.
    package func longestGap(since begin: ContinuousClock.Instant, until end: ContinuousClock.Instant = .now) -> Duration
    {
        let times = sightings.map(\.at)
        let first = times.last { $0 <= begin } ?? begin
        let within = [first] + times.filter { $0 > begin && $0 <= end } + [end]
        return zip(within, within.dropFirst()).map { $1 - $0 }.max() ?? .zero
    }

    /// Sightings that lie before one seen earlier, on the same connection.
    package var stepsBack: [(from: Double, to: Double)] {
        let positions = sightings.map(\.position)
        return zip(positions, positions.dropFirst()).filter { $1 < $0 }.map { ($0, $1) }
    }
}

/// How late this machine is with what it was to do: beside other work, no bound on time means anything without it.
package final class Lateness: Sendable {
    private let samples = Mutex<[(at: ContinuousClock.Instant, late: Duration)]>([])
    private let task = Mutex<Task<Void, Never>?>(nil)

    package init() {
        task.withLock {
            $0 = Task { [weak self] in
                let interval = Duration.milliseconds(10)
                while !Task.isCancelled {
                    let due = ContinuousClock.now + interval
                    try? await Task.sleep(until: due, clock: .continuous)
                    guard let self else { return }
                    samples.withLock { $0.append((.now, ContinuousClock.now - due)) }
                }
            }
        }
    }

    deinit { task.withLock { $0?.cancel() } }

    /// The sum of the five latest wake-ups: what is on the way from publisher to player waits at about as many doors.
    package func allowance(since begin: ContinuousClock.Instant) -> Duration {
        samples.withLock { samples in
            samples.filter { $0.at >= begin }.map(\.late).sorted(by: >).prefix(5).reduce(.zero, +)
        }
    }
}
