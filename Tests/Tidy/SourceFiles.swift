import Foundation

/// A Swift source of this package, comments and all.
struct SourceFile: Sendable, CustomStringConvertible {
    /// From the package's root.
    let path: String
    let lines: [String]

    var description: String { path }

    func isUnder(_ folders: [String]) -> Bool { folders.contains { path.hasPrefix($0 + "/") } }
}

enum SourceFiles {
    static let shipped = ["ControlPlane", "DataPlane", "Shared", "ops"]
    static let pure = [
        "DataPlane/Media", "DataPlane/Protocols", "ControlPlane/Domain", "Shared/Bytes", "Shared/ClusterModel",
        "Shared/EngineModel", "Shared/Timebase",
    ]

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let all: [SourceFile] = (shipped + ["Tests"]).flatMap { folder in
        let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)?.allObjects ?? []
        return names.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
            let path = folder + "/" + name
            return text(path).map { SourceFile(path: path, lines: $0.components(separatedBy: "\n")) }
        }
    }

    static func text(_ path: String) -> String? {
        try? String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}
