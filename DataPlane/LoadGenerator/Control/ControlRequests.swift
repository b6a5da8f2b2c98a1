import ClusterModel

import struct Foundation.Data
import class Foundation.JSONEncoder

/// The requests of simulated workers, as bytes. Each worker owns an equal share of the streams.
struct ControlRequests {
    private let options: ControlLoadOptions
    private var epochs: [Int64]
    /// Made anew when a claim changed what the worker holds.
    private var heartbeats: [[UInt8]?]

    init(_ options: ControlLoadOptions) {
        self.options = options
        epochs = Array(repeating: 0, count: options.streams)
        heartbeats = Array(repeating: nil, count: options.workers)
    }

    func owner(of stream: Int) -> Int { stream % options.workers }

    mutating func claimed(_ stream: Int, epoch: Int64) {
        epochs[stream] = epoch
        heartbeats[owner(of: stream)] = nil
    }

    func register(_ worker: Int) -> ControlCall {
        var addresses = NodeAddresses(host: "10.\(worker / 65536).\(worker / 256 % 256).\(worker % 256)")
        addresses.http = 5080
        addresses.rtmp = 1935
        addresses.relay = 5000
        let registration = NodeRegistration(
            bootId: boot(worker),
            role: .hybrid,
            group: "region\(worker % options.groups)",
            version: "bench",
            addresses: addresses,
            capacity: NodeCapacity(cores: 8)
        )
        return call(.register, "PUT /v1/nodes/\(name(worker))", registration, worker: worker)
    }

    mutating func heartbeat(_ worker: Int) -> ControlCall {
        if let bytes = heartbeats[worker] { return ControlCall(kind: .heartbeat, worker: worker, bytes: bytes) }
        let owned = stride(from: worker, to: options.streams, by: options.workers).filter { epochs[$0] > 0 }
        var load = NodeLoad()
        load.cpu = 0.31
        load.memory = 0.22
        load.egressBitsPerSecond = 812_000_000
        load.publishers = owned.count
        load.viewers.httpFlv = 200
        let call = call(
            .heartbeat,
            "POST /v1/nodes/\(name(worker))/heartbeat",
            Heartbeat(
                bootId: boot(worker),
                load: load,
                holds: owned.map(hold),
                pulls: [],
                sessions: 200,
                streams: owned.map(report)
            ),
            worker: worker
        )
        heartbeats[worker] = call.bytes
        return call
    }

    func claim(_ stream: Int) -> ControlCall {
        let worker = owner(of: stream)
        let request = ClaimRequest(
            nodeId: name(worker),
            bootId: boot(worker),
            claimId: "claim-\(stream)",
            protocol: "rtmp",
            remoteAddress: "203.0.113.9"
        )
        return call(.claim, "POST \(path(stream))/claim", request, worker: worker, stream: stream)
    }

    func route(_ stream: Int, to worker: Int) -> ControlCall {
        let request = RouteRequest(nodeId: name(worker), bootId: boot(worker))
        return call(.route, "POST \(path(stream))/route", request, worker: worker, stream: stream)
    }

    /// Without a token and a body.
    func read(_ path: String) -> ControlCall {
        ControlCall(kind: .other, bytes: Array("GET \(path) HTTP/1.1\r\nHost: \(options.host)\r\n\r\n".utf8))
    }

    private func hold(_ stream: Int) -> Hold {
        let next = StreamPosition(sequence: 812, discontinuity: 0, mediaTime: 1624)
        return Hold(app: "bench", id: "s\(stream)", epoch: epochs[stream], next: next)
    }

    private func report(_ stream: Int) -> StreamReport {
        var viewers = ViewerCounts()
        viewers.httpFlv = 20
        return StreamReport(
            app: "bench",
            id: "s\(stream)",
            epoch: epochs[stream],
            viewers: viewers,
            tracks: [
                TrackDescription(kind: "video", codec: "h264", width: 1920, height: 1080),
                TrackDescription(kind: "audio", codec: "aac", sampleRate: 48000, channels: 2),
            ],
            isBroadcasting: true
        )
    }

    private func name(_ worker: Int) -> String { "bench-\(worker)" }
    private func boot(_ worker: Int) -> String { "boot-of-bench-\(worker)" }
    private func path(_ stream: Int) -> String { "/v1/streams/bench/s\(stream)" }

    private func call(
        _ kind: ControlCall.Kind,
        _ line: String,
        _ body: some Encodable,
        worker: Int,
        stream: Int = 0
    ) -> ControlCall {
        let body = (try? JSONEncoder().encode(body)) ?? Data()
        let head =
            "\(line) HTTP/1.1\r\nHost: \(options.host)\r\nAuthorization: Bearer \(options.nodeToken)\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
        return ControlCall(kind: kind, worker: worker, stream: stream, bytes: Array(head.utf8) + Array(body))
    }
}
