import Configuration

/// Every setting of a table with its value, checked when made.
package struct SettingsValues: Sendable {
    package struct Found: Hashable, Sendable {
        package let text: String
        package let source: SettingSource
    }

    package let table: SettingsTable
    private let found: [String: Found]

    /// Highest first: flag, environment, file, default.
    package init(
        table: SettingsTable,
        flags: [String: String],
        environment: [String: String]
    ) throws(SettingsError) {
        self.table = table
        let variables = EnvironmentVariablesProvider(environmentVariables: environment)
        var sources = Sources(flags: flags, variables: variables, file: nil)
        if let config = table.setting(named: "config"), let path = sources.find(config) {
            sources.file = try ConfigurationFile(path: path.text, source: path.source, table: table)
        }
        var found: [String: Found] = [:]
        for setting in table.settings {
            guard let value = sources.find(setting) else { continue }
            guard setting.accepts(value.text) else {
                throw .wrongValue(
                    setting: setting.name,
                    source: value.source,
                    value: setting.isSecret ? "(hidden)" : value.text,
                    allowed: setting.allowed
                )
            }
            found[setting.name] = value
        }
        self.found = found
    }

    /// The value of a setting that has a default.
    package subscript<Value>(_ setting: Setting<Value>) -> Value {
        guard let value = given(setting) else {
            preconditionFailure("--\(setting.declaration.name) is not in this table or has no default")
        }
        return value
    }

    /// The value of a setting that may be left out.
    package func given<Value>(_ setting: Setting<Value>) -> Value? {
        found[setting.declaration.name].flatMap { setting.type.parse($0.text) }
    }

    package func source(of name: String) -> SettingSource { found[name]?.source ?? .standard }

    package func text(of name: String) -> String? { found[name]?.text }

    /// The secret from the file that a flag names, else from its environment variable, else from the file that its
    /// `…-file` setting names elsewhere.
    package func secret(_ secret: Setting<String>, file: Setting<String>) throws(SettingsError) -> TokenSetting? {
        let name = file.declaration.name
        var isFlag = false
        if case .flag = source(of: name) { isFlag = true }
        if !isFlag, let token = given(secret) { return TokenSetting(token: token, warning: nil) }
        guard let path = given(file) else { return nil }
        let read = try TokenFile(path: path, setting: name, source: source(of: name))
        return TokenSetting(token: read.token, warning: read.warning)
    }
}

/// A token and what is to be said about where it lay.
package struct TokenSetting: Sendable {
    package let token: String
    package let warning: String?
}

private struct Sources {
    let flags: [String: String]
    let variables: EnvironmentVariablesProvider
    var file: ConfigurationFile?

    func find(_ setting: SettingDeclaration) -> SettingsValues.Found? {
        if let text = flags[setting.name] {
            return .init(text: text, source: .flag(setting.flag))
        }
        if let text = environmentText(setting) {
            return .init(text: text, source: .environment(setting.environmentName))
        }
        if let file, let text = file.text(of: setting) {
            return .init(text: text, source: .file(path: file.path, key: setting.name))
        }
        return setting.standard.map { .init(text: $0, source: .standard) }
    }

    /// An empty variable counts as not set, as `VAR= program` means in a shell.
    private func environmentText(_ setting: SettingDeclaration) -> String? {
        let words = setting.name.split(separator: "-").map(String.init)
        let key = AbsoluteConfigKey(["millrace"] + words)
        guard let value = try? variables.value(forKey: key, type: .string).value, case .string(let text) = value.content
        else { return nil }
        return text.isEmpty ? nil : text
    }
}
