import ArgumentParser
import ClusterModel

struct Resolve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says which node would play a stream now, where it comes from and through which nodes."
    )

    @OptionGroup var cluster: ClusterOptions
    @Argument(help: "The stream, as APP/ID.") var stream: String
    @Option(help: "Group of the viewer.") var group: String?

    private struct Answer: Encodable {
        var stream: StreamResource
        var assignment: Assignment
        /// From the node that plays to the origin.
        var path: [String]
    }

    func run() async throws {
        let parts = stream.split(separator: "/").map(String.init)
        guard parts.count == 2 else { throw ValidationError("\"\(stream)\" is not APP/ID") }
        let client = try cluster.client()
        let resource: StreamResource = try await client.get("v1/streams/\(parts[0])/\(parts[1])")
        let query = ["app": parts[0], "id": parts[1], "group": group, "explain": "true"]
        let assignment: Assignment = try await client.get("v1/assign/play", query: query)
        let answer = Answer(
            stream: resource,
            assignment: assignment,
            path: Self.path(from: assignment.nodeId, in: resource)
        )
        try Output.show(answer, json: cluster.json) { Self.words(answer) }
    }

    private static func path(from nodeID: String, in stream: StreamResource) -> [String] {
        let parents = Dictionary(stream.relayTree.map { ($0.nodeId, $0.from) }) { first, _ in first }
        var path = [nodeID]
        // A loop in a stale tree must not become one here.
        while let next = parents[path[path.count - 1]], !path.contains(next) { path.append(next) }
        if let origin = stream.originNodeId, path.last != origin { path.append(origin) }
        return path
    }

    private static func words(_ answer: Answer) -> String {
        var lines = [
            "\(answer.stream.app)/\(answer.stream.id) is \(answer.stream.status.rawValue), origin "
                + "\(answer.stream.originNodeId ?? "none"), epoch \(answer.stream.epoch)",
            "played by \(answer.assignment.nodeId) (group \(answer.assignment.group)), path "
                + answer.path.joined(separator: " ← "),
        ]
        var urls = Table("PROTOCOL", "URL")
        for (name, url) in answer.assignment.urls.sorted(by: { $0.key < $1.key }) { urls.add(name, url) }
        lines += ["", urls.text]
        guard let candidates = answer.assignment.explain else { return lines.joined(separator: "\n") }
        var table = Table("CANDIDATE", "SCORE", "REFUSED BECAUSE")
        for candidate in candidates {
            table.add(candidate.nodeId, "\(candidate.score)", candidate.refused ?? "")
        }
        return (lines + ["", table.text]).joined(separator: "\n")
    }
}
