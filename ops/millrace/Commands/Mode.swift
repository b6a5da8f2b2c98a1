import ArgumentParser
import Domain
import Foundation
import Observability
import Settings
import StoreMove
import StoreSelection

struct Mode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Moves the cluster's records between the embedded store and MongoDB.",
        discussion: "Stop every control plane first; workers go on. The old store is left as it is.",
        subcommands: [ToCluster.self, ToStandalone.self]
    )
}

struct ToCluster: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Copies the embedded store into MongoDB, for several control planes."
    )

    @Argument(help: "The database to go to: mongodb://…, mongodb+srv://… or a bare host.") var target: String
    @Option(help: "The embedded store, as sqlite:PATH.") var from = "sqlite:./millrace.db"
    @Flag(help: "Delete what the target holds.") var replace = false

    func run() async throws {
        let move = try StoreMoveOrder(from: from, to: target)
        guard case .sqlite = move.source, case .mongodb = move.target else {
            throw ValidationError(
                "cluster goes from sqlite:PATH to MongoDB; for the way back: millrace mode standalone"
            )
        }
        try await move.run(replace: replace)
    }
}

struct ToStandalone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "standalone",
        abstract: "Copies MongoDB's records into an embedded store, for one control plane."
    )

    @Argument(help: "The file to go to, as sqlite:PATH.") var target: String
    @Option(help: "The database: mongodb://…, mongodb+srv://… or a bare host.") var from: String
    @Flag(help: "Delete what the target holds.") var replace = false

    func run() async throws {
        let move = try StoreMoveOrder(from: from, to: target)
        guard case .mongodb = move.source, case .sqlite = move.target else {
            throw ValidationError(
                "standalone goes from MongoDB to sqlite:PATH; for the way there: millrace mode cluster"
            )
        }
        try await move.run(replace: replace)
    }
}

/// One move from the command line.
private struct StoreMoveOrder {
    let source: StoreAddress
    let target: StoreAddress
    private let targetText: String

    init(from: String, to: String) throws {
        source = try Self.address(from)
        target = try Self.address(to)
        targetText = to
    }

    private static func address(_ text: String) throws -> StoreAddress {
        guard let address = StoreAddress(text) else {
            throw ValidationError(
                "\"\(text.withoutCredentials)\" is not allowed; allowed is \(StoreAddress.settingType.allowed)"
            )
        }
        return address
    }

    func run(replace: Bool) async throws {
        // Opened, a file that is not there would be made, and an empty store be moved.
        if case .sqlite(let path) = source, !FileManager.default.fileExists(atPath: path) {
            throw ValidationError("there is no file \(path); name the embedded store with --from sqlite:PATH")
        }
        let from = try source.open()
        let to = try target.open()
        let isExclusive = if case .sqlite = source { true } else { false }
        let summary: StoreMove.Summary
        do {
            summary = try await StoreMove(from: from, to: to, isSourceExclusive: isExclusive).run(replace: replace)
        } catch {
            await close(from, to)
            throw error
        }
        await close(from, to)
        Output.line(words(summary))
    }

    private func close(_ stores: any ClusterStore...) async {
        for store in stores { await store.close() }
    }

    private func words(_ summary: StoreMove.Summary) -> String {
        let counts = RecordKind.allCases.map { "\(summary.records[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
        return """
            Copied: \(counts), \(summary.leases) leases.
            Now start millrace-control with: --store '\(targetText.withoutCredentials)'
            Keep the tokens: give it --node-token-file and --admin-token-file if they were made beside the old store
            (\(source.tokenDirectory)/millrace-node.token and millrace-admin.token).
            The old store is as it was. Do not start a control plane on it again: its epochs are of the past.
            """
    }
}
