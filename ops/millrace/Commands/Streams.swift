import ArgumentParser
import ClusterModel
import Timebase

struct Streams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the streams.")

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let streams: [StreamResource] = try await cluster.client().all("v1/streams")
        try Output.show(streams, json: cluster.json) { Self.table(streams) }
    }

    private static func table(_ streams: [StreamResource]) -> String {
        var table = Table("STREAM", "STATUS", "ORIGIN", "EPOCH", "VIEWERS", "NODES PULLING", "SINCE")
        for stream in streams {
            table.add(
                "\(stream.app)/\(stream.id)",
                stream.status.rawValue,
                stream.originNodeId ?? "none",
                "\(stream.epoch)",
                "\(stream.viewers.total)",
                "\(stream.relayTree.count)",
                stream.startedAt?.rfc3339 ?? "not yet"
            )
        }
        return streams.isEmpty ? "no streams" : table.text
    }
}
