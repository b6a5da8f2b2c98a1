package import ClusterModel
package import Daemon
package import Logging
import NIOCore
package import ObjectStore
package import Observability
package import Recorder
import Recording
package import Settings
package import WebRTCServer

/// What `millrace-worker` is told from outside.
package struct WorkerConfiguration: Sendable {
    /// 0 turns a listener off.
    package struct Ports: Hashable, Sendable {
        package var http: Int
        package var https: Int
        package var rtmp: Int
        package var rtmps: Int
        package var relay: Int
        package var srt: Int
        package var webrtc: Int
        package var agent: Int

        package init(
            http: Int = 0,
            https: Int = 0,
            rtmp: Int = 0,
            rtmps: Int = 0,
            relay: Int = 0,
            srt: Int = 0,
            webrtc: Int = 0,
            agent: Int = 0
        ) {
            self.http = http
            self.https = https
            self.rtmp = rtmp
            self.rtmps = rtmps
            self.relay = relay
            self.srt = srt
            self.webrtc = webrtc
            self.agent = agent
        }
    }

    /// Base addresses, tried in turn; the word `discover` stands for the local network.
    package var controlPlanes: [String]
    package var role: NodeRole
    package var group: String
    /// Nil: made once and kept in the state directory.
    package var nodeID: String?
    package var stateDirectory: String
    package var nodeToken: Redacted<String>?
    /// Nil: to be found out from the interfaces.
    package var advertise: String?
    package var publicHost: String?
    package var bindAddress: String
    package var ports: Ports
    /// What libsrt takes (SRTO_PASSPHRASE).
    private static let srtPassphraseBytes = 10...79

    /// Nil: SRT callers need none.
    package var srtPassphrase: Redacted<String>?
    package var srtLatency: Duration
    /// Nil turns the HTTPS and RTMPS listeners off.
    package var tls: TLSFiles?
    /// Nothing is served to other nodes, or pulled from them, without TLS.
    package var requiresRelayTLS: Bool
    /// Nil: the system's.
    package var relayCAPath: String?
    /// Nil: one a core.
    package var threads: Int?
    package var limits: AdmissionLimits
    /// Nil when the machine does not tell.
    package var memoryBudgetBytes: Int?
    package var recordings: RecordingService.Settings
    /// Nil: recordings stay where they are.
    package var objectStore: S3Settings?
    package var drainTimeout: Duration
    package var trustedProxies: [AddressRange]
    package var iceServers: [ICEServer]
    package var logLevel: Logger.Level
    package var logFormat: LogFormat
    /// To be logged once logging works.
    package var warnings: [String]

    package init(_ values: SettingsValues) throws(SettingsError) {
        typealias Table = WorkerSettings
        controlPlanes = values[Table.control]
        role = values[Table.role]
        group = values[Table.group]
        nodeID = values.given(Table.nodeID)
        stateDirectory = values[Table.stateDirectory]
        let token = try values.secret(Table.nodeToken, file: Table.nodeTokenFile)
        nodeToken = token.map { Redacted($0.token) }
        warnings = [token?.warning].compactMap(\.self)
        advertise = values.given(Table.advertise)
        publicHost = values.given(Table.publicHost)
        bindAddress = values[Table.bind]
        ports = Ports(values)
        srtLatency = values[Table.srtLatency]
        let passphrase = try values.secret(Table.srtPassphrase, file: Table.srtPassphraseFile)
        srtPassphrase = passphrase.map { Redacted($0.token) }
        if let length = passphrase?.token.utf8.count, !Self.srtPassphraseBytes.contains(length) {
            let allowed = "\(Self.srtPassphraseBytes.lowerBound) to \(Self.srtPassphraseBytes.upperBound)"
            throw .conflict(setting: "srt-passphrase", reason: "has \(length) bytes; SRT allows \(allowed)")
        }
        warnings += [passphrase?.warning].compactMap(\.self)
        tls = try TLSFiles(values, certificate: Table.tlsCertificate)
        requiresRelayTLS = values[Table.relayTLS]
        relayCAPath = values.given(Table.relayCA)
        if requiresRelayTLS, tls == nil {
            throw .conflict(setting: "tls-cert", reason: "not given; --relay-tls needs it and --tls-key")
        }
        threads = values.given(Table.threads)
        limits = AdmissionLimits(values)
        memoryBudgetBytes = values.given(Table.memoryMax).map { $0 << 20 } ?? MachineLimits.memoryBytes
        recordings = RecordingService.Settings(values)
        let secret = try values.secret(Table.s3SecretKey, file: Table.s3SecretKeyFile)
        warnings += [secret?.warning].compactMap(\.self)
        objectStore = try S3Settings(values, secretKey: secret.map { Redacted($0.token) })
        drainTimeout = values[Table.drainTimeout]
        trustedProxies = values[Table.trustedProxies]
        iceServers = values[Table.iceServers]
        logLevel = values[CommonSettings.logLevel]
        logFormat = values[CommonSettings.logFormat]
        try ports.refuseTwins()
    }
}

extension RecordingService.Settings {
    init(_ values: SettingsValues) {
        typealias Table = WorkerSettings
        self.init(
            directory: values.given(Table.recordingsDirectory) ?? "\(values[Table.stateDirectory])/recordings",
            retention: Retention(
                bytesMax: values.given(Table.recordingsSizeMax).map { $0 << 20 },
                ageMax: values.given(Table.recordingsAgeMax)
            ),
            freeBytesMin: values[Table.recordingsKeepFree] << 20
        )
    }
}

extension S3Settings {
    /// Nil without an endpoint; with one, all else must be known.
    init?(_ values: SettingsValues, secretKey: Redacted<String>?) throws(SettingsError) {
        typealias Table = WorkerSettings
        guard let endpoint = values.given(Table.s3Endpoint)?.first else { return nil }
        guard let bucket = values.given(Table.s3Bucket) else {
            throw .conflict(setting: "s3-bucket", reason: "not given; --s3-endpoint needs it")
        }
        guard let accessKey = values.given(Table.s3AccessKey), let secretKey else {
            let reason = "not given, or its secret is not; --s3-endpoint needs both"
            throw .conflict(setting: "s3-access-key", reason: reason)
        }
        self.init(
            endpoint: endpoint,
            bucket: bucket,
            region: values[Table.s3Region],
            accessKey: accessKey,
            secretKey: secretKey
        )
    }
}

extension AdmissionLimits {
    init(_ values: SettingsValues) {
        typealias Table = WorkerSettings
        let cores = values.given(Table.threads) ?? System.coreCount
        func share(_ percent: Int) -> Double? { percent == 100 ? nil : Double(percent) / 100 }
        self.init(
            cpu: share(values[Table.cpuMax]),
            memory: MachineLimits.memoryShare,
            egressBitsPerSecond: values.given(Table.egressMax).map { Int64($0) * 1_000_000 }
                ?? MachineLimits.linkBitsPerSecond,
            publishers: values.given(Table.publishersMax) ?? cores * MachineLimits.publishersPerCore,
            viewers: values.given(Table.viewersMax)
                ?? MachineLimits.openFiles.map { max(1, $0 - MachineLimits.filesForItself) },
            encoderQueueDepth: values.given(Table.encoderQueueMax) ?? cores * MachineLimits.encoderQueuePerCore,
            encoderUse: share(values[Table.encoderUseMax])
        )
    }
}

extension WorkerConfiguration.Ports {
    init(_ values: SettingsValues) {
        self.init(
            http: values[WorkerSettings.httpPort],
            https: values[WorkerSettings.httpsPort],
            rtmp: values[WorkerSettings.rtmpPort],
            rtmps: values[WorkerSettings.rtmpsPort],
            relay: values[WorkerSettings.relayPort],
            srt: values[WorkerSettings.srtPort],
            webrtc: values[WorkerSettings.webrtcPort],
            agent: values[WorkerSettings.agentPort]
        )
    }

    /// Two listeners of one transport cannot share a port; said here, the message names both flags.
    fileprivate func refuseTwins() throws(SettingsError) {
        let tcp = [
            ("http-port", http), ("https-port", https), ("rtmp-port", rtmp), ("rtmps-port", rtmps),
            ("relay-port", relay), ("agent-port", agent),
        ]
        for listeners in [tcp, [("srt-port", srt), ("webrtc-port", webrtc)]] {
            var takenBy: [Int: String] = [:]
            for (name, port) in listeners where port != 0 {
                if let other = takenBy.updateValue(name, forKey: port) {
                    throw .conflict(
                        setting: name,
                        reason: "\(port) is also --\(other); each listener needs its own port"
                    )
                }
            }
        }
    }
}
