package import Logging
package import Observability
package import Settings
import UnixSignals

/// SIGHUP: takes over what can change while running, and says what needs a restart.
package struct SettingsReload: Sendable {
    private let program: Program
    private let log: Log
    private let logger: Logger
    private let check: @Sendable (SettingsValues) throws(SettingsError) -> Void

    /// `check` makes the daemon's configuration, so that settings that do not fit together change nothing.
    package init(
        program: Program,
        log: Log,
        logger: Logger,
        check: @escaping @Sendable (SettingsValues) throws(SettingsError) -> Void
    ) {
        self.program = program
        self.log = log
        self.logger = logger
        self.check = check
    }

    /// Runs until the task is cancelled.
    package func follow(from values: SettingsValues) async {
        var current = values
        for await _ in await UnixSignalsSequence(trapping: .sighup) { current = reload(current) }
    }

    private func reload(_ current: SettingsValues) -> SettingsValues {
        do throws(SettingsError) {
            guard case .run(let values) = try program.read() else { return current }
            try check(values)
            apply(SettingsChange(from: current, to: values), values)
            return values
        } catch {
            logger.error("Settings stay as they are", metadata: [LogKeys.error: "\(error)"])
            return current
        }
    }

    /// The log's level is what a daemon changes while it runs.
    package func apply(_ change: SettingsChange, _ values: SettingsValues) {
        log.level = values[CommonSettings.logLevel]
        for entry in change.live { logger.notice("Setting changed", metadata: [LogKeys.setting: "\(entry)"]) }
        for entry in change.needsRestart {
            logger.warning("Setting changes at the next start", metadata: [LogKeys.setting: "\(entry)"])
        }
    }
}
