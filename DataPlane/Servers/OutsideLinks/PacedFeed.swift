import NIOCore
import Streams
import Timebase

/// Feeds an intake by a `MediaPacer`, on the intake's loop.
///
/// `@unchecked Sendable`: what changes is touched on the loop only.
final class PacedFeed: @unchecked Sendable {
    /// Units that are due within this time go together.
    private static let stepMin = TimeAmount.milliseconds(10)
    private static let look = Duration.milliseconds(200)

    private let intake: SourceIntake
    private var pacer = MediaPacer()
    private var timer: Scheduled<Void>?

    init(_ intake: SourceIntake) { self.intake = intake }

    func put(_ items: [IngestItem]) async {
        await run {
            self.pacer.put(items, at: .now(self.intake.loop))
            self.feedWhatIsDue()
        }
    }

    /// Returns at once when all that came has gone.
    func wait(untilBacklogIs limit: Duration) async throws {
        while await run({ self.pacer.nextDue != nil && self.pacer.backlog >= limit }) {
            try await Task.sleep(for: Self.look)
        }
    }

    /// There will be no more: what waits goes at once, or never.
    func finish(discarding: Bool) async {
        await run {
            self.timer?.cancel()
            let rest = self.pacer.takeAll()
            if !discarding, !rest.isEmpty { self.intake.take(rest) }
        }
    }

    private func feedWhatIsDue() {
        timer?.cancel()
        let items = pacer.take(at: .now(intake.loop))
        if !items.isEmpty { intake.take(items) }
        guard let due = pacer.nextDue else { return }
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(due.nanoseconds, 0)))
        timer = intake.loop.scheduleTask(deadline: max(deadline, intake.loop.now + Self.stepMin)) { [weak self] in
            self?.feedWhatIsDue()
        }
    }

    private func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            intake.loop.execute { continuation.resume(returning: body()) }
        }
    }
}

extension MonotonicInstant {
    fileprivate static func now(_ loop: any EventLoop) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(clamping: loop.now.uptimeNanoseconds))
    }
}
