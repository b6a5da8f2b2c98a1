import Observability

/// Where a setting's value was found.
package enum SettingSource: Hashable, Sendable, CustomStringConvertible {
    case flag(String)
    case environment(String)
    case file(path: String, key: String)
    case standard

    package var description: String {
        switch self {
        case .flag(let flag): "flag \(flag)"
        case .environment(let name): "environment variable \(name)"
        case .file(let path, let key): "key \(key) in \(path)"
        case .standard: "the default"
        }
    }
}

/// Why a program does not start. The description is the one line an operator reads.
package enum SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A value, from `source`, that is not `allowed`.
    case wrongValue(setting: String, source: SettingSource, value: String, allowed: String)
    /// A setting that must be given and was not; `ways` says how.
    case missing(setting: String, ways: String)
    case missingValue(flag: String, allowed: String)
    case unknownFlag(String, nearest: String?)
    case unexpectedArgument(String)
    case repeatedFlag(String)
    case secretOnCommandLine(flag: String, environment: String)
    case secretInFile(key: String, path: String, environment: String)
    case unknownKey(String, path: String, nearest: String?)
    case unreadableFile(path: String, source: SettingSource, reason: String)
    /// Two settings that do not go together.
    case conflict(setting: String, reason: String)

    package var description: String {
        switch self {
        case .wrongValue(let setting, let source, let value, let allowed):
            "\(setting): \"\(value.withoutCredentials)\" from \(source) is not allowed; allowed is \(allowed)"
        case .missing(let setting, let ways):
            "\(setting): not given; \(ways)"
        case .missingValue(let flag, let allowed):
            "\(flag): has no value; allowed is \(allowed)"
        case .unknownFlag(let flag, let nearest):
            "\(flag): no such flag; " + (nearest.map { "did you mean \($0)?" } ?? "--help lists all of them")
        case .unexpectedArgument(let argument):
            "\"\(argument.withoutCredentials)\": not a flag; every setting starts with --, --help lists them"
        case .repeatedFlag(let flag):
            "\(flag): given more than once; allowed is one value"
        case .secretOnCommandLine(let flag, let environment):
            "\(flag): a secret may not stand on a command line; use \(environment) or \(flag)-file"
        case .secretInFile(let key, let path, let environment):
            "\(key): a secret may not stand in \(path); use \(environment) or \(key)-file"
        case .unknownKey(let key, let path, let nearest):
            "\(key): no such key in \(path); "
                + (nearest.map { "did you mean \($0)?" } ?? "keys are the names of the flags that --help lists")
        case .unreadableFile(let path, let source, let reason):
            "cannot read \(path), named by \(source): \(reason)"
        case .conflict(let setting, let reason):
            "\(setting): \(reason)"
        }
    }
}
