import Settings
import UnixSignals

/// SIGTERM and SIGINT, as both daemons take them: the first begins an orderly shutdown, the second ends the process.
package enum StopSignals {
    /// Calls `first` at the first signal. Runs until the task is cancelled.
    package static func follow(first: @Sendable () -> Void = {}) async {
        var count = 0
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            count += 1
            if count > 1 { Program.leave() }
            first()
        }
    }
}
