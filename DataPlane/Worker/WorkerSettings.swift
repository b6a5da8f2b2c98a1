import ClusterModel
import Daemon
package import Settings
import WebRTCServer

/// Every setting of `millrace-worker`.
package enum WorkerSettings {
    // Membership
    static let control = Setting(
        "control",
        .urls(or: [DiscoverySearch.word]),
        default: "http://127.0.0.1:5070",
        help: "Control planes, tried in turn; discover asks the local network by UDP 5070 for one with this node token."
    )
    static let role = Setting(
        "role",
        SettingType<NodeRole>.choice(),
        default: "hybrid",
        help: "What this node does in the cluster."
    )
    static let group = Setting("group", name("GROUP", .group), default: "default", help: "Node group (region).")
    static let nodeID = Setting(
        "node-id",
        name("ID", .nodeID),
        note: "made once and kept in --state-dir",
        help: "Identity across restarts; a second process with the same one supersedes the first."
    )
    static let stateDirectory = Setting(
        "state-dir",
        .path,
        default: "./millrace-state",
        help: "Folder for the identity and the last known map."
    )
    static let nodeToken = Setting.secret(
        "node-token",
        .text("TOKEN"),
        note: "none",
        help: "The control plane's node token."
    )
    static let nodeTokenFile = Setting(
        "node-token-file",
        .path,
        note: "none",
        help: "File that holds the node token; mode 0600."
    )

    // Addresses
    static let advertise = Setting(
        "advertise",
        host,
        note: "first private IPv4 address, else 127.0.0.1",
        help: "Host that other nodes and clients reach this one at."
    )
    static let publicHost = Setting(
        "public-host",
        host,
        note: "that of --advertise",
        help: "Host that clients reach this node at, when different."
    )
    static let bind = Setting("bind", address, default: "0.0.0.0", help: "Address all listeners bind to.")

    // Listeners
    static let httpPort = port("http-port", 5080, "HTTP: HLS, HTTP-FLV, health and metrics.")
    static let httpsPort = port("https-port", 5443, "HTTPS; off without --tls-cert and --tls-key.")
    static let rtmpPort = port("rtmp-port", 1935, "RTMP.")
    static let rtmpsPort = port("rtmps-port", 8443, "RTMPS; off without --tls-cert and --tls-key.")
    static let relayPort = port("relay-port", 5000, "Relay between nodes.")
    static let srtPort = port("srt-port", 4200, "SRT (UDP).")
    static let srtLatency = Setting(
        "srt-latency",
        .duration(.milliseconds(20) ... .seconds(8), unit: .milliseconds),
        default: "200",
        help: "How long lost SRT packets may be asked for again; the larger of this and the peer's counts."
    )
    static let srtPassphraseFile = Setting(
        "srt-passphrase-file",
        .path,
        note: "SRT is not encrypted",
        help:
            "File with the passphrase of SRT callers, 10 to 79 bytes; mode 0600. The caller chooses AES-128 or AES-256."
    )
    static let srtPassphrase = Setting.secret(
        "srt-passphrase",
        .text("PASSPHRASE"),
        note: "SRT is not encrypted",
        help: "The passphrase itself."
    )
    static let webrtcPort = port("webrtc-port", 50000, "WebRTC (UDP, and TCP on the same number).")
    static let agentPort = port("agent-port", 5001, "HAProxy's agent check: state and weight of this node.")
    static let tlsCertificate = CommonSettings.tlsCertificate(note: "no TLS listeners")
    static let relayTLS = Setting(
        "relay-tls",
        .boolean,
        default: "false",
        help: "Relay over TLS only, with --tls-cert: to the nodes below and from those above."
    )
    static let relayCA = Setting(
        "relay-ca",
        .path,
        note: "the system's",
        help: "CA certificates (PEM) that nodes with --relay-tls are checked against."
    )

    // Limits
    static let cpuMax = Setting(
        "max-cpu",
        .integer(1...100, unit: "%"),
        default: "90",
        help: "CPU over 5 s, of all cores, from which on nothing new is taken; 100 turns the limit off."
    )
    static let memoryMax = Setting(
        "max-memory",
        .integer(64...16_777_216, unit: "MiB"),
        note: "the control group's or the machine's memory",
        help: "Memory budget; at 90 % of it nothing new is taken."
    )
    static let egressMax = Setting(
        "max-egress",
        .integer(1...1_000_000, unit: "Mbit/s"),
        note: "speed of the fastest network interface that tells one, else none",
        help: "Sent to viewers and nodes, from which on nothing new is taken."
    )
    static let publishersMax = Setting(
        "max-publishers",
        .integer(0...1_000_000),
        note: "500 a core",
        help: "Publishers at once; more are refused."
    )
    static let viewersMax = Setting(
        "max-viewers",
        .integer(0...10_000_000),
        note: "open files allowed, less 200",
        help: "Viewers at once; more are refused."
    )
    static let encoderQueueMax = Setting(
        "max-encoder-queue",
        .integer(1...1_000_000),
        note: "24 a core",
        help: "Pictures that wait for encoders, from which on no publisher is taken."
    )
    static let encoderUseMax = Setting(
        "max-encoder-use",
        .integer(1...100, unit: "%"),
        default: "95",
        help: "Time for which the slowest encoder works, from which on no publisher is taken; 100 turns the limit off."
    )

    // Recordings
    static let recordingsDirectory = Setting(
        "recordings-dir",
        .path,
        note: "recordings in --state-dir",
        help: "Folder for recordings."
    )
    static let recordingsSizeMax = Setting(
        "recordings-max-size",
        .integer(1...1_000_000_000, unit: "MiB"),
        note: "no limit but the disk",
        help: "Of all recordings; above it the oldest are removed."
    )
    static let recordingsAgeMax = Setting(
        "recordings-max-age",
        .duration(.seconds(1) ... .seconds(10 * 366 * 86_400), unit: .seconds),
        note: "kept for ever",
        help: "Since a recording ended; then it is removed."
    )
    static let recordingsKeepFree = Setting(
        "recordings-keep-free",
        .integer(0...1_000_000_000, unit: "MiB"),
        default: "1024",
        help: "Room that recordings leave on their disk: they end before there is less."
    )
    static let s3Endpoint = Setting(
        "s3-endpoint",
        .urls(),
        note: "recordings are not copied",
        help: "S3-compatible storage that recordings are copied to, as https://s3.eu-central-1.amazonaws.com."
    )
    static let s3Bucket = Setting("s3-bucket", .text("NAME"), note: "none", help: "Bucket for recordings.")
    static let s3Region = Setting("s3-region", .text("NAME"), default: "us-east-1", help: "The bucket's region.")
    static let s3AccessKey = Setting("s3-access-key", .text("KEY"), note: "none", help: "Whose bucket it is.")
    static let s3SecretKeyFile = Setting(
        "s3-secret-key-file",
        .path,
        note: "none",
        help: "File with the secret of --s3-access-key; mode 0600."
    )
    static let s3SecretKey = Setting.secret("s3-secret-key", .text("SECRET"), note: "none", help: "The secret itself.")

    // Running
    static let threads = Setting(
        "threads",
        .integer(1...256),
        note: "number of cores",
        help: "Media event loops."
    )
    static let drainTimeout = Setting(
        "drain-timeout",
        .duration(.zero ... .seconds(86_400)),
        default: "30",
        effect: .live,
        help: "How long SIGTERM waits for sessions to end before it closes them."
    )
    static let trustedProxies = Setting(
        "trusted-proxies",
        .addressRanges,
        default: "none",
        help: "Whose X-Forwarded-For and PROXY protocol are believed."
    )

    static let iceServers = Setting(
        "ice-servers",
        SettingType<[ICEServer]>(
            placeholder: "URI,…",
            allowed: "stun:HOST[:PORT] or turn:USER:PASSWORD@HOST[:PORT], comma separated, or none"
        ) { text in
            if text.isEmpty || text == "none" { return [] }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let servers = parts.compactMap { ICEServer(parsing: String($0.drop(while: { $0 == " " }))) }
            return servers.count == parts.count ? servers : nil
        },
        default: "none",
        help: "STUN and TURN servers that WebRTC clients are told of; whoever may play or publish sees them."
    )

    package static let table = SettingsTable([
        .init(
            "Cluster",
            [
                CommonSettings.config.declaration, control.declaration, role.declaration, group.declaration,
                nodeID.declaration,
                stateDirectory.declaration, nodeToken.declaration, nodeTokenFile.declaration,
            ]
        ),
        .init("Addresses", [advertise.declaration, publicHost.declaration, bind.declaration]),
        .init(
            "Listeners (0 turns one off)",
            [
                httpPort.declaration, httpsPort.declaration, rtmpPort.declaration, rtmpsPort.declaration,
                relayPort.declaration, srtPort.declaration, srtLatency.declaration,
                srtPassphrase.declaration, srtPassphraseFile.declaration, webrtcPort.declaration, agentPort.declaration,
                tlsCertificate.declaration, CommonSettings.tlsKey.declaration, relayTLS.declaration,
                relayCA.declaration,
            ]
        ),
        .init(
            "Limits (running sessions are never touched)",
            [
                cpuMax.declaration, memoryMax.declaration, egressMax.declaration, publishersMax.declaration,
                viewersMax.declaration, encoderQueueMax.declaration, encoderUseMax.declaration,
            ]
        ),
        .init(
            "Recordings",
            [
                recordingsDirectory.declaration, recordingsSizeMax.declaration, recordingsAgeMax.declaration,
                recordingsKeepFree.declaration, s3Endpoint.declaration, s3Bucket.declaration, s3Region.declaration,
                s3AccessKey.declaration, s3SecretKey.declaration, s3SecretKeyFile.declaration,
            ]
        ),
        .init(
            "Running",
            [
                threads.declaration, drainTimeout.declaration, trustedProxies.declaration, iceServers.declaration,
                CommonSettings.logLevel.declaration,
                CommonSettings.logFormat.declaration,
            ]
        ),
    ])

    private static func port(_ name: String, _ standard: Int, _ help: String) -> Setting<Int> {
        Setting(name, .port, default: "\(standard)", help: help)
    }

    private static func name(_ placeholder: String, _ role: NameError.Role) -> SettingType<String> {
        .text(placeholder, allowed: "1 to 128 letters, digits, '_', '-' or '.', not starting with '.'") { text in
            (try? NameRules.check(text, role: role)) != nil
        }
    }

    private static let host = SettingType.text("HOST", allowed: "a host name or an IP address, without a port") {
        text in
        IPAddress(text) != nil || ListenAddress("\(text):1") != nil
    }

    private static let address = SettingType.text("ADDRESS", allowed: "an IPv4 or IPv6 address, as 0.0.0.0 or ::") {
        text in
        IPAddress(text) != nil
    }
}
