/// The text of `--help`: every setting with its default, unit and environment variable.
func helpText(_ program: Program) -> String {
    var lines = ["\(program.name): \(program.summary)", "", "Usage: \(program.name) [--flag value …]", ""]
    lines.append(
        "A flag beats its environment variable, that beats the file (YAML, keys named as the flags), that the default."
    )
    for section in program.table.sections {
        lines += ["", section.title + ":"]
        for setting in section.settings { lines += entry(setting) }
    }
    lines += ["", "Other:", "  --help", "  --version", ""]
    return lines.joined(separator: "\n")
}

private func entry(_ setting: SettingDeclaration) -> [String] {
    let title =
        setting.isSecret ? "\(setting.environmentName) (no flag: secret)" : "\(setting.flag) \(setting.placeholder)"
    var facts: [String] = []
    if let standard = setting.standard {
        facts.append("default \(standard)" + (setting.unit.map { " \($0)" } ?? ""))
    } else if let unit = setting.unit {
        facts.append("unit \(unit)")
    }
    if let note = setting.note { facts.append("default: " + note) }
    if !setting.isSecret { facts.append(setting.environmentName) }
    if setting.effect == .live { facts.append("re-read on SIGHUP") }
    return ["  " + title, "      " + setting.help, "      [\(facts.joined(separator: "; "))]"]
}
