/// A command line cut into flags and values, held strictly to a table.
///
/// swift-configuration's own reader takes unknown flags, several values and commas in silence; an operator's typing
/// error must stop the start instead.
struct CommandLineFlags {
    private(set) var values: [String: String] = [:]
    private(set) var wantsHelp = false
    private(set) var wantsVersion = false

    init(_ arguments: [String], table: SettingsTable) throws(SettingsError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h": wantsHelp = true
            case "--version": wantsVersion = true
            default: try take(argument, &rest, table)
            }
        }
    }

    private mutating func take(
        _ argument: String,
        _ rest: inout ArraySlice<String>,
        _ table: SettingsTable
    ) throws(SettingsError) {
        guard argument.hasPrefix("--"), argument.count > 2 else { throw .unexpectedArgument(argument) }
        let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let setting = table.setting(named: name) else {
            throw .unknownFlag("--" + name, nearest: table.nearest(to: name).map { "--" + $0 })
        }
        guard !setting.isSecret else {
            throw .secretOnCommandLine(flag: setting.flag, environment: setting.environmentName)
        }
        guard values[name] == nil else { throw .repeatedFlag(setting.flag) }
        values[name] = try value(of: setting, written: parts.count == 2 ? String(parts[1]) : nil, &rest)
    }

    private func value(
        of setting: SettingDeclaration,
        written: String?,
        _ rest: inout ArraySlice<String>
    ) throws(SettingsError) -> String {
        if let written { return written }
        if let next = rest.first, !next.hasPrefix("--"), !setting.isSwitch || setting.accepts(next) {
            rest.removeFirst()
            return next
        }
        guard setting.isSwitch else { throw .missingValue(flag: setting.flag, allowed: setting.allowed) }
        return "true"
    }
}
