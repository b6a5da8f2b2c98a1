import FoundationEssentials
import Glibc

/// A daemon's face on the command line.
package struct Program: Sendable {
    package let name: String
    package let summary: String
    package let version: String
    package let table: SettingsTable

    package init(name: String, summary: String, version: String, table: SettingsTable) {
        self.name = name
        self.summary = summary
        self.version = version
        self.table = table
    }

    /// What a command line asks for.
    package enum Request: Sendable {
        case run(SettingsValues)
        /// Print this and leave.
        case show(String)
    }

    /// `arguments` without the program's own name.
    package func request(arguments: [String], environment: [String: String]) throws(SettingsError) -> Request {
        let flags = try CommandLineFlags(arguments, table: table)
        if flags.wantsHelp { return .show(helpText(self)) }
        if flags.wantsVersion { return .show("\(name) \(version)\n") }
        return .run(try SettingsValues(table: table, flags: flags.values, environment: environment))
    }

    /// The settings as they stand now; asked again on SIGHUP, since the file may have changed.
    package func read() throws(SettingsError) -> Request {
        try request(
            arguments: Array(CommandLine.arguments.dropFirst()),
            environment: ProcessInfo.processInfo.environment
        )
    }

    /// Gives the configuration made of the settings, or ends the process: 0 after `--help` and `--version`, 64
    /// (`EX_USAGE`) after one line that says what is wrong.
    package func configurationOrExit<Configuration>(
        _ make: (SettingsValues) throws(SettingsError) -> Configuration
    ) -> Configuration {
        do throws(SettingsError) {
            switch try read() {
            case .run(let values): return try make(values)
            case .show(let text):
                show(text)
                Self.leave(status: 0)
            }
        } catch {
            exitForWrongSettings(error)
        }
    }

    /// Writes to standard output what is meant for a person, not for the log.
    package func show(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Also for what shows only when the settings are put to use, as a port that is taken.
    package func exitForWrongSettings(_ error: SettingsError) -> Never {
        write("\(name): \(error)\n", to: STDERR_FILENO)
        Self.leave(status: EX_USAGE)
    }

    /// Ends the process at once. `exit` would have C libraries destroy what their threads still use, and nothing is buffered.
    package static func leave(status: Int32 = 0) -> Never { _exit(status) }
}

private func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(descriptor, bytes, bytes.count)
}
