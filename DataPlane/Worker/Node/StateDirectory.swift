import ClusterModel
import Foundation

/// The worker's `--state-dir`: what it must find again after a restart.
package struct StateDirectory: Sendable {
    package struct Fault: Error, CustomStringConvertible {
        package var description: String
    }

    private let url: URL

    /// Makes the directory if there is none.
    package init(path: String) throws(Fault) {
        url = URL(fileURLWithPath: path, isDirectory: true)
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw Fault(description: "the state directory '\(path)' cannot be made: \(error.localizedDescription)")
        }
    }

    /// The node's id: `chosen` if the operator set one, else the one kept here, else a new one from `make`, which is kept.
    package func nodeID(chosen: String?, make: () -> String) throws(Fault) -> String {
        let file = url.appendingPathComponent("node-id")
        if let chosen {
            try keep(chosen, in: file)
            return chosen
        }
        if let kept = try? String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines) {
            do throws(NameError) {
                try NameRules.check(kept, role: .nodeID)
            } catch {
                throw Fault(description: "'\(file.path)' holds no node id (\(error)): remove the file or set --node-id")
            }
            return kept
        }
        let made = make()
        try keep(made, in: file)
        return made
    }

    private func keep(_ text: String, in file: URL) throws(Fault) {
        do {
            try Data((text + "\n").utf8).write(to: file, options: .atomic)
        } catch {
            throw Fault(description: "'\(file.path)' cannot be written: \(error.localizedDescription)")
        }
    }
}
