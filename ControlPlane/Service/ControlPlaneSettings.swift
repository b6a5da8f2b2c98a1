package import Daemon
package import Logging
package import Observability
package import Settings
package import StoreSelection

/// Every setting of `millrace-control`.
package enum ControlPlaneSettings {
    static let listen = Setting(
        "listen",
        .listenAddress,
        default: "0.0.0.0:5070",
        help: "Where REST and metrics are served."
    )
    static let store = Setting(
        "store",
        StoreAddress.settingType,
        default: "sqlite:./millrace.db",
        help: "Database: embedded SQLite for one control plane, MongoDB for any number."
    )
    static let discovery = Setting(
        "discovery",
        .boolean,
        default: "true",
        help: "Answer workers that look for a control plane on the local network (UDP 5070, --control discover)."
    )
    static let tlsCertificate = CommonSettings.tlsCertificate(
        note: "HTTP without TLS",
        help: "Certificate chain (PEM); makes the listener HTTPS."
    )
    static let nodeToken = Setting.secret(
        "node-token",
        tokenText,
        note: "made at the first start and kept beside the store",
        help: "Bearer token of workers."
    )
    static let nodeTokenFile = Setting(
        "node-token-file",
        .path,
        note: "none",
        help: "File that holds the node token; mode 0600."
    )
    static let adminToken = Setting.secret(
        "admin-token",
        tokenText,
        note: "made at the first start and kept beside the store",
        help: "Bearer token of operators and automation."
    )
    static let adminTokenFile = Setting(
        "admin-token-file",
        .path,
        note: "none",
        help: "File that holds the admin token; mode 0600."
    )
    static let drainTimeout = Setting(
        "drain-timeout",
        .duration(.zero ... .seconds(3_600)),
        default: "30",
        effect: .live,
        help: "How long SIGTERM waits for requests under way."
    )

    private static let tokenText = SettingType.text(
        "TOKEN",
        allowed: "16 to 512 printable ASCII characters without blanks"
    ) { text in
        (16...512).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    package static let table = SettingsTable([
        .init(
            "Service",
            [
                CommonSettings.config.declaration, listen.declaration, store.declaration, discovery.declaration,
                drainTimeout.declaration,
            ]
        ),
        .init("TLS", [tlsCertificate.declaration, CommonSettings.tlsKey.declaration]),
        .init(
            "Tokens",
            [nodeToken.declaration, nodeTokenFile.declaration, adminToken.declaration, adminTokenFile.declaration]
        ),
        .init("Log", [CommonSettings.logLevel.declaration, CommonSettings.logFormat.declaration]),
    ])
}

/// What `millrace-control` is told from outside.
package struct ControlPlaneConfiguration: Sendable {
    package var listen: ListenAddress
    package var store: StoreAddress
    package var tls: TLSFiles?
    package var discovery: Bool
    /// Nil: to be made at the first start and kept beside the store.
    package var nodeToken: Redacted<String>?
    package var adminToken: Redacted<String>?
    package var drainTimeout: Duration
    package var logLevel: Logger.Level
    package var logFormat: LogFormat
    /// To be logged once logging works.
    package var warnings: [String] = []

    package init(_ values: SettingsValues) throws(SettingsError) {
        typealias Table = ControlPlaneSettings
        listen = values[Table.listen]
        store = values[Table.store]
        discovery = values[Table.discovery]
        drainTimeout = values[Table.drainTimeout]
        logLevel = values[CommonSettings.logLevel]
        logFormat = values[CommonSettings.logFormat]
        tls = try TLSFiles(values, certificate: Table.tlsCertificate)
        let node = try values.secret(Table.nodeToken, file: Table.nodeTokenFile)
        let admin = try values.secret(Table.adminToken, file: Table.adminTokenFile)
        nodeToken = node.map { Redacted($0.token) }
        adminToken = admin.map { Redacted($0.token) }
        warnings = [node?.warning, admin?.warning].compactMap(\.self)
        if let node, node.token == admin?.token {
            throw .conflict(setting: "admin-token", reason: "equals the node token; each role needs its own")
        }
    }
}
