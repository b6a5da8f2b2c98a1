import ClusterModel
import Settings
import Testing
import Worker

private func configuration(
    _ arguments: [String],
    _ environment: [String: String] = [:]
) throws -> WorkerConfiguration {
    let program = Program(name: "millrace-worker", summary: "", version: "", table: WorkerSettings.table)
    guard case .run(let values) = try program.request(arguments: arguments, environment: environment) else {
        throw SettingsError.unexpectedArgument("--help")
    }
    return try WorkerConfiguration(values)
}

@Suite struct WorkerSettingsTests {
    @Test func `without settings the worker has the documented ports and role`() throws {
        let plain = try configuration([])
        #expect(plain.role == .hybrid)
        #expect(plain.group == "default")
        #expect(plain.controlPlanes == ["http://127.0.0.1:5070"])
        #expect(
            plain.ports
                == .init(
                    http: 5080,
                    https: 5443,
                    rtmp: 1935,
                    rtmps: 8443,
                    relay: 5000,
                    srt: 4200,
                    webrtc: 50000,
                    agent: 5001
                )
        )
        #expect(plain.stateDirectory == "./millrace-state")
        #expect(plain.drainTimeout == .seconds(30))
        #expect(plain.tls == nil && plain.threads == nil && plain.nodeToken == nil && plain.trustedProxies.isEmpty)
    }

    @Test(arguments: [
        (["--rtmp-port", "5000"], "relay-port: 5000 is also --rtmp-port"),
        (["--tls-cert", "a.pem"], "tls-key: not given; --tls-cert needs it"),
        (["--node-id", ".hidden"], "node-id: \".hidden\" from flag --node-id is not allowed"),
        (["--role", "relay"], "allowed is one of origin, edge, hybrid"),
        (["--advertise", "http://a"], "allowed is a host name or an IP address, without a port"),
        (["--threads", "0"], "allowed is a whole number from 1 to 256"),
        (["--trusted-proxies", "10.0.0.0/40"], "allowed is addresses or ranges"),
    ])
    func `settings that cannot work are refused by name`(arguments: [String], words: String) {
        #expect {
            try configuration(arguments)
        } throws: { "\($0)".contains(words) }
    }

    @Test func `listeners that are off, and TCP beside UDP, may share a number`() throws {
        #expect(throws: Never.self) {
            try configuration(["--rtmp-port", "0", "--http-port", "0", "--srt-port", "5000"])
        }
    }

    @Test func `SRT has a latency in milliseconds, and a passphrase of the length that SRT takes`() throws {
        #expect(try configuration([]).srtLatency == .milliseconds(200))
        #expect(try configuration(["--srt-latency", "1s"]).srtLatency == .seconds(1))
        let name = "MILLRACE_SRT_PASSPHRASE"
        #expect("\(try configuration([], [name: "0123456789"]))".contains("0123456789") == false)
        for length in [9, 80] {
            #expect {
                try configuration([], [name: String(repeating: "p", count: length)])
            } throws: { "\($0)".contains("srt-passphrase: has \(length) bytes") }
        }
    }

    @Test func `the token is read and not shown`() throws {
        let configured = try configuration([], ["MILLRACE_NODE_TOKEN": "hush-hush"])
        #expect(configured.nodeToken != nil)
        #expect(!"\(configured)".contains("hush"))
    }
}
