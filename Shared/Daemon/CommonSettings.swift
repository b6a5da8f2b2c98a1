package import Logging
package import Observability
package import Settings

/// Settings that both daemons have under one name and with one meaning.
package enum CommonSettings {
    package static let config = Setting("config", .path, note: "none", help: "Configuration file (YAML).")
    package static let tlsKey = Setting("tls-key", .path, note: "none", help: "Private key (PEM) of --tls-cert.")
    package static let logLevel = Setting(
        "log-level",
        SettingType<Logger.Level>.choice(),
        default: "info",
        effect: .live,
        help: "Least grave level logged."
    )
    package static let logFormat = Setting(
        "log-format",
        SettingType<LogFormat>.choice(),
        default: "text",
        help: "Form of log lines on standard error."
    )

    /// What it turns on differs between the daemons, and so what `note` says of its absence.
    package static func tlsCertificate(note: String, help: String = "Certificate chain (PEM).") -> Setting<String> {
        Setting("tls-cert", .path, note: note, help: help)
    }
}
