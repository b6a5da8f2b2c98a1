import ArgumentParser
import ClusterModel
import Timebase

struct Nodes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the nodes.")

    @OptionGroup var cluster: ClusterOptions
    @Option(help: "Only nodes of this group.") var group: String?
    @Option(help: "Only nodes of this role: origin, edge or hybrid.") var role: String?
    @Option(help: "Only nodes in this state: alive, draining, drained or dead.") var state: String?

    func run() async throws {
        let query = ["group": group, "role": role, "state": state]
        let nodes: [NodeResource] = try await cluster.client().all("v1/nodes", query: query)
        try Output.show(nodes, json: cluster.json) { Self.table(nodes) }
    }

    private static func table(_ nodes: [NodeResource]) -> String {
        var table = Table("NODE", "ROLE", "GROUP", "STATE", "HOST", "CPU", "STREAMS", "VIEWERS", "LAST HEARTBEAT")
        for node in nodes {
            table.add(
                node.nodeId,
                node.role.rawValue,
                node.group,
                node.state.rawValue,
                node.addresses.host,
                "\(Int((node.load.cpu * 100).rounded())) %",
                "\(node.streams)",
                "\(node.load.viewers.total)",
                node.lastHeartbeatAt?.rfc3339 ?? "never"
            )
        }
        return nodes.isEmpty ? "no nodes" : table.text
    }
}
