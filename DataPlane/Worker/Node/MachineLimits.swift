import Foundation
import Glibc

/// What this machine can carry, for limits that nobody set.
package enum MachineLimits {
    static let memoryShare = 0.9
    static let publishersPerCore = 500
    /// Three rungs that have begun to drop pictures.
    static let encoderQueuePerCore = 24
    /// Files a worker opens beside its viewers' connections.
    static let filesForItself = 200

    /// The memory this process may use: that of its control group, else the machine's.
    static var memoryBytes: Int? {
        let machine = contents("/proc/meminfo").flatMap { kibibytes(of: "MemTotal:", in: $0) }.map { $0 << 10 }
        return [machine, controlGroup.memoryBytes].compactMap(\.self).min()
    }

    /// What this process holds of it.
    static var residentBytes: Int? {
        contents("/proc/self/status").flatMap { kibibytes(of: "VmRSS:", in: $0) }.map { $0 << 10 }
    }

    /// The time this process may use, in cores: what its control group allows, else the machine's cores.
    static var cores: Double {
        let present = Double(ProcessInfo.processInfo.activeProcessorCount)
        return min(present, controlGroup.cores ?? present)
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
        let speeds = names.compactMap { name in
            contents("\(folder)/\(name)/speed").flatMap { Int64($0.prefix { !$0.isNewline }) }
        }
        return speeds.filter { $0 > 0 }.max().map { $0 * 1_000_000 }
    }

    /// A field of proc(5)'s tables of names and sizes, whose columns are set apart by blanks in some and tabs in others.
    package static func kibibytes(of field: String, in table: String) -> Int? {
        guard let line = table.split(separator: "\n").first(where: { $0.hasPrefix(field) }) else { return nil }
        return line.dropFirst(field.count).split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
    }

    private static var controlGroup: ControlGroup {
        ControlGroup(memberships: contents("/proc/self/cgroup") ?? "", text: contents)
    }

    @Sendable private static func contents(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
