import ArgumentParser
import ClusterModel
import Foundation
import HTTPClient

struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Takes a node out of service: nothing new, publishers move, the rest is closed at the deadline."
    )

    /// Between two looks at the node while waiting.
    private static let lookInterval = Duration.seconds(1)

    @OptionGroup var cluster: ClusterOptions
    @Argument(help: "The node's id.") var node: String
    @Option(help: "Seconds after which what is left is closed, 0 to 86400.")
    var deadline = DrainRequest.deadlineDefault
    @Flag(help: "Return only when the node is safe to terminate.") var wait = false

    func run() async throws {
        let client = try cluster.client()
        let body = try JSONEncoder().encode(DrainRequest(deadline: deadline))
        var present: NodeResource = try await client.change("v1/nodes/\(node)/drain", method: .post, body: body)
        while wait, !present.safeToTerminate {
            if !cluster.json { Output.progress("\(present.state.rawValue), \(present.sessionsLeft) sessions left") }
            try await Task.sleep(for: Self.lookInterval)
            present = try await client.get("v1/nodes/\(node)")
            guard present.state != .alive else { throw DrainEnded(node: node) }
        }
        try Output.show(present, json: cluster.json) { present.drainSentence }
    }
}

struct Undrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ends a drain: the node is used again.")

    @OptionGroup var cluster: ClusterOptions
    @Argument(help: "The node's id.") var node: String

    func run() async throws {
        let present: NodeResource = try await cluster.client().change("v1/nodes/\(node)/drain", method: .delete)
        try Output.show(present, json: cluster.json) { "\(present.nodeId) is \(present.state.rawValue)" }
    }
}

/// Somebody else ended the drain that was waited for.
struct DrainEnded: Error, CustomStringConvertible {
    var node: String

    var description: String {
        "the drain of \(node) was ended, or its process restarted; drain it again if it is to go"
    }
}

extension NodeResource {
    fileprivate var drainSentence: String {
        let sessions = sessionsLeft == 1 ? "1 session" : "\(sessionsLeft) sessions"
        let safety = safeToTerminate ? "safe to terminate" : "not safe to terminate yet"
        return "\(nodeId) is \(state.rawValue): \(sessions) left, \(safety)"
    }
}
