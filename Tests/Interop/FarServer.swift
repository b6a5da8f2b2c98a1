import ClusterHarness
import ClusterModel

/// Somebody else's server, which speaks TLS with a certificate of its own making.
struct FarServer {
    let cluster: Cluster
    let certificate: String
    let worker: WorkerHandle
    private let rtmpsPort: Int
    private let arguments: [String]

    init() async throws {
        cluster = try await Cluster.start(on: .sqlite)
        let files = try cluster.makeCertificate()
        certificate = files.certificate
        rtmpsPort = try freePorts(1)[0]
        arguments = [
            "--tls-cert", files.certificate, "--tls-key", files.key, "--https-port", "0", "--rtmps-port",
            "\(rtmpsPort)",
        ]
        worker = try await cluster.startWorker("far1", .hybrid, servesSRT: true, arguments: arguments)
    }

    func startAgain() async throws {
        _ = try await cluster.startWorker("far1", .hybrid, ports: worker.ports, arguments: arguments)
    }

    func url(_ scheme: String, _ stream: String, mode: String? = nil) -> String {
        switch scheme {
        case "srt": worker.srt(stream, mode: mode)
        case "hls": worker.media(stream, ".m3u8")
        case "rtmps": "rtmps://127.0.0.1:\(rtmpsPort)/\(stream)"
        default: worker.rtmp(stream)
        }
    }
}
