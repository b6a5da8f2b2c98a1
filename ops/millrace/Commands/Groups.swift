import ArgumentParser
import ClusterModel

struct Groups: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the node groups.")

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let groups: [GroupResource] = try await cluster.client().all("v1/groups")
        try Output.show(groups, json: cluster.json) { Self.table(groups) }
    }

    private static func table(_ groups: [GroupResource]) -> String {
        var table = Table("GROUP", "PARENT", "NODES", "ALIVE")
        for group in groups { table.add(group.name, group.parent ?? "none", "\(group.nodes)", "\(group.aliveNodes)") }
        return groups.isEmpty ? "no groups" : table.text
    }
}
