import Observability

/// What a re-read of the settings (SIGHUP) found changed.
package struct SettingsChange: Sendable, Equatable {
    package struct Entry: Sendable, Equatable, CustomStringConvertible {
        package let name: String
        package let old: String?
        package let new: String?

        package var description: String { "\(name): \(Self.shown(old)) → \(Self.shown(new))" }

        private static func shown(_ text: String?) -> String { text?.withoutCredentials ?? "unset" }

        /// A number without its unit could be anything.
        fileprivate static func worded(_ text: String?, _ unit: String?) -> String? {
            guard let text, let unit, text.allSatisfy(\.isNumber) else { return text }
            return "\(text) \(unit)"
        }
    }

    /// To be applied now.
    package var live: [Entry] = []
    /// To be named to the operator, who has to restart.
    package var needsRestart: [Entry] = []

    package init(from old: SettingsValues, to new: SettingsValues) {
        for setting in new.table.settings {
            let (before, after) = (old.text(of: setting.name), new.text(of: setting.name))
            guard before != after else { continue }
            let entry = Entry(
                name: setting.name,
                old: setting.isSecret ? before.map { _ in "(hidden)" } : Entry.worded(before, setting.unit),
                new: setting.isSecret ? after.map { _ in "(hidden)" } : Entry.worded(after, setting.unit)
            )
            switch setting.effect {
            case .live: live.append(entry)
            case .afterRestart: needsRestart.append(entry)
            }
        }
    }
}
