import Foundation
import Glibc

/// What this machine can carry, for limits that nobody set.
enum MachineLimits {
    static let memoryShare = 0.9
    static let publishersPerCore = 500
    /// Three rungs that have begun to drop pictures.
    static let encoderQueuePerCore = 24
    /// Files a worker opens beside its viewers' connections.
    static let filesForItself = 200

    /// The memory this process may use: that of its control group, else the machine's.
    static var memoryBytes: Int? {
        let machine = kibibytes(of: "MemTotal:", in: "/proc/meminfo").map { $0 << 10 }
        let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
            .compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
            .compactMap { Int($0.prefix { $0.isNumber }) }.first
        return [machine, group].compactMap(\.self).min()
    }

    static var openFiles: Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Int(exactly: limit.rlim_cur)
    }

    /// The speed of the fastest network interface that tells one.
    static var linkBitsPerSecond: Int64? {
        let folder = "/sys/class/net"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let speeds = names.compactMap { name -> Int64? in
            guard let text = try? String(contentsOfFile: "\(folder)/\(name)/speed", encoding: .utf8) else { return nil }
            return Int64(text.prefix { !$0.isNewline })
        }
        return speeds.filter { $0 > 0 }.max().map { $0 * 1_000_000 }
    }

    static func kibibytes(of field: String, in path: String) -> Int? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(field) }) else { return nil }
        return line.dropFirst(field.count).split(separator: " ").first.flatMap { Int($0) }
    }
}
