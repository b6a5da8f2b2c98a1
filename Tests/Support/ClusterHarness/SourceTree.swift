package import Foundation

/// Where the sources and the built programs lie.
package enum SourceTree {
    package static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    package static func program(_ name: String) -> String { root.appending(path: ".build/release/\(name)").path }
}
