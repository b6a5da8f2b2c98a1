import ClusterModel
import Foundation
import Settings

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

    /// Much more than a map within its limits takes.
    private static let mapBytesMax = 4 << 20

    private var mapFile: URL { url.appendingPathComponent("known-map.json") }

    /// What `keep` wrote last; an empty map when there is none, or none that can be read: it is a help, not a need.
    package func knownMap() -> KnownMap {
        do throws(FileReadError) {
            let bytes = try readFile(mapFile.path, bytesMax: Self.mapBytesMax).bytes
            return (try? JSONDecoder().decode(KnownMap.self, from: Data(bytes))) ?? KnownMap()
        } catch { return KnownMap() }
    }

    /// Whole or not at all: a crash meanwhile leaves the earlier file.
    package func keep(_ map: KnownMap) throws(Fault) {
        do {
            try JSONEncoder().encode(map).write(to: mapFile, options: .atomic)
        } catch {
            throw Fault(description: "'\(mapFile.path)' cannot be written: \(error.localizedDescription)")
        }
    }

    private func keep(_ text: String, in file: URL) throws(Fault) {
        do {
            try Data((text + "\n").utf8).write(to: file, options: .atomic)
        } catch {
            throw Fault(description: "'\(file.path)' cannot be written: \(error.localizedDescription)")
        }
    }
}
