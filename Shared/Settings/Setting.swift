/// One setting of a program: flag `--name`, environment `MILLRACE_NAME`, key `name` in the configuration file.
package struct Setting<Value: Sendable>: Sendable {
    package let declaration: SettingDeclaration
    package let type: SettingType<Value>

    /// - Parameters:
    ///   - standard: The default as an operator would write it; nil when leaving it out means something of its own.
    ///   - note: What leaving the setting out means, when there is no fixed default.
    package init(
        _ name: String,
        _ type: SettingType<Value>,
        default standard: String? = nil,
        note: String? = nil,
        effect: SettingEffect = .afterRestart,
        help: String
    ) {
        self.init(name, type, standard, note, effect, isSecret: false, help)
    }

    /// A setting that must not show in a process list: it has no flag and no key in the file.
    package static func secret(_ name: String, _ type: SettingType<Value>, note: String, help: String) -> Self {
        Self(name, type, nil, note, .afterRestart, isSecret: true, help)
    }

    private init(
        _ name: String,
        _ type: SettingType<Value>,
        _ standard: String?,
        _ note: String?,
        _ effect: SettingEffect,
        isSecret: Bool,
        _ help: String
    ) {
        self.type = type
        declaration = SettingDeclaration(
            name: name,
            placeholder: type.placeholder,
            allowed: type.allowed,
            unit: type.unit,
            isSwitch: type.isSwitch,
            standard: standard,
            note: note,
            effect: effect,
            isSecret: isSecret,
            help: help,
            accepts: { type.parse($0) != nil }
        )
    }
}

/// When a changed setting counts.
package enum SettingEffect: Sendable {
    /// SIGHUP is enough.
    case live
    case afterRestart
}

/// A setting without its Swift type, as a table holds it.
package struct SettingDeclaration: Sendable {
    package let name: String
    package let placeholder: String
    /// What a value may be, to finish the sentence "allowed is …".
    package let allowed: String
    package let unit: String?
    /// Given as a bare flag it means `true`.
    package let isSwitch: Bool
    package let standard: String?
    package let note: String?
    package let effect: SettingEffect
    package let isSecret: Bool
    package let help: String
    package let accepts: @Sendable (String) -> Bool

    package var flag: String { "--" + name }

    package var environmentName: String {
        "MILLRACE_" + String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }
}
