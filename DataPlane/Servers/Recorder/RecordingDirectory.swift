import ClusterModel
import Foundation
import Glibc
import Timebase

/// The folder of a node's recordings: `{app}/{name}.mp4`, and `{name}.mp4.part` while one grows.
package struct RecordingDirectory: Sendable {
    package let path: String

    static let partSuffix = ".part"
    static let suffix = ".mp4"

    package init(path: String) { self.path = path }

    package func file(app: String, name: String) -> String { "\(path)/\(app)/\(name)\(Self.suffix)" }

    func part(app: String, name: String) -> String { file(app: app, name: name) + Self.partSuffix }

    func makeFolder(of app: String) throws(RecorderFault) {
        do {
            try FileManager.default.createDirectory(atPath: "\(path)/\(app)", withIntermediateDirectories: true)
        } catch { throw .cannotWrite("create \(path)/\(app): \(error.localizedDescription)") }
    }

    /// Bytes that this process may still write; nil when the disk does not tell.
    var freeBytes: Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    struct Entry {
        var app: String
        var name: String
        /// It grows, or did when a process died.
        var isPart: Bool

        init(app: String, name: String, isPart: Bool) {
            self.app = app
            self.name = name
            self.isPart = isPart
        }

        /// Of a whole file. Nil for what is no name of a recording: nothing else may be removed by it.
        init?(key: String) {
            let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, (try? NameRules.check(parts[0], role: .app)) != nil,
                (try? NameRules.check(parts[1], role: .recording)) != nil
            else { return nil }
            self.init(app: parts[0], name: parts[1], isPart: false)
        }

        var key: String { "\(app)/\(name)" }
    }

    func entries() -> [Entry] {
        let apps = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return apps.sorted().flatMap { app -> [Entry] in
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(app)")) ?? []
            return files.sorted().compactMap { file -> Entry? in
                let isPart = file.hasSuffix(Self.partSuffix)
                let whole = isPart ? String(file.dropLast(Self.partSuffix.count)) : file
                guard whole.hasSuffix(Self.suffix) else { return nil }
                return Entry(app: app, name: String(whole.dropLast(Self.suffix.count)), isPart: isPart)
            }
        }
    }

    /// Bytes and time of the last change.
    func facts(_ path: String) -> (bytes: Int, changedAt: WallTime)? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let milliseconds = Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
        return (Int(status.st_size), WallTime(milliseconds: milliseconds))
    }
}

/// What a recording's name says: `{id}-{yyyymmdd}T{hhmmss}{milliseconds}`.
struct RecordingName {
    let id: String
    let startedAt: WallTime

    init?(_ name: String) {
        let characters = Array(name)
        guard characters.count > 19, characters[characters.count - 19] == "-" else { return nil }
        let time = Array(characters.suffix(18))
        func part(_ range: Range<Int>) -> String { String(time[range]) }
        let text =
            "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15)).\(part(15..<18))Z"
        guard let startedAt = WallTime(rfc3339: text) else { return nil }
        id = String(characters.dropLast(19))
        self.startedAt = startedAt
    }
}
