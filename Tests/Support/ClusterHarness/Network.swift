import Foundation
import Synchronization

/// Namespaces whose links can be cut, slow or lossy. They end with the value. Needs root.
package final class Network: Sendable {
    /// One node's namespace.
    package struct Place: Sendable {
        /// Runs a program there.
        package let entrance: [String]
        package let address: String
        /// This side of its way to the control plane, publishers and players, which is always whole.
        package let gateway: String
    }

    /// What happens to packets between two nodes, in both directions.
    package enum Link: Sendable {
        case whole
        case cut
        case lossy(percent: Int, delayMilliseconds: Int)
        case slow(kilobits: Int)

        fileprivate var words: String {
            switch self {
            case .whole: ""
            case .cut: "cut"
            case .lossy(let percent, let delay): "loss=\(percent) delay=\(delay)"
            case .slow(let kilobits): "rate=\(kilobits)"
            }
        }
    }

    private static let made = Atomic(0)

    package let places: [String: Place]
    private let process: Mutex<(process: Process, commands: FileHandle, answers: FileHandle)>

    package init(_ nodes: [String]) throws {
        guard geteuid() == 0 else {
            throw NeverHappened(description: "network namespaces need root: run the tests as root, or leave these out")
        }
        // Another run beside this one has another process, and what this one made before may not be gone yet.
        let net = 64 + (Int(getpid()) * 8 + Self.made.add(1, ordering: .relaxed).newValue) % 128
        let (commands, answers, process) = (Pipe(), Pipe(), Process())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let program = SourceTree.root.appending(path: "Tests/Support/Network/network.py").path
        process.arguments = ["python3", program, "\(net)"] + nodes
        process.standardInput = commands
        process.standardOutput = answers
        let complaints = Pipe()
        process.standardError = complaints
        try process.run()
        places = Dictionary(
            uniqueKeysWithValues: nodes.enumerated().map { number, name in
                let subnet = "10.\(net).\(number + 1)"
                let entrance = ["ip", "netns", "exec", "mr\(net)-\(name)"]
                return (name, Place(entrance: entrance, address: subnet + ".2", gateway: subnet + ".1"))
            }
        )
        self.process = Mutex((process, commands.fileHandleForWriting, answers.fileHandleForReading))
        guard Self.line(from: answers.fileHandleForReading) == "ok" else {
            let why = String(decoding: complaints.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            throw NeverHappened(description: "no network namespaces can be made here: \(why)")
        }
    }

    deinit {
        process.withLock { running in
            try? running.commands.close()
            running.process.waitUntilExit()
        }
    }

    package func set(_ first: String, _ second: String, _ link: Link) throws {
        let answer = try process.withLock { running in
            try running.commands.write(contentsOf: Data("link \(first) \(second) \(link.words)\n".utf8))
            return Self.line(from: running.answers)
        }
        guard answer == "ok" else { throw NeverHappened(description: "the network says: \(answer)") }
    }

    /// Takes a node's own way to everybody away, with its routes, or gives it back.
    package func setWay(of node: String, isUp: Bool) throws {
        guard let place = places[node] else { throw NeverHappened(description: "no node is called \(node)") }
        let answer = try run(place.entrance + ["ip", "link", "set", "up0", isUp ? "up" : "down"], seconds: 10)
        guard answer.status == 0 else { throw NeverHappened(description: "ip link: \(answer.output)") }
    }

    private static func line(from handle: FileHandle) -> String {
        var line = ""
        while let byte = try? handle.read(upToCount: 1), let character = byte.first, character != 10 {
            line.append(Character(UnicodeScalar(character)))
        }
        return line
    }
}
