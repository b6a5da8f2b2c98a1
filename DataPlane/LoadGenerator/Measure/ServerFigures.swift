import Foundation
import Glibc

/// What processes of a server have used so far, from /proc, summed.
package struct ProcessFigures: Equatable, Sendable {
    package var cpuSeconds = 0.0
    package var residentKiB = 0

    package init(processes: [Int]) throws(Failure) {
        for process in processes {
            guard let stat = Self.text(of: "/proc/\(process)/stat"),
                let statm = Self.text(of: "/proc/\(process)/statm"),
                let usage = Self.parse(stat: stat, statm: statm)
            else { throw Failure(process: process) }
            cpuSeconds += Double(usage.ticks) / Double(sysconf(CInt(_SC_CLK_TCK)))
            residentKiB += usage.pages * sysconf(CInt(_SC_PAGESIZE)) / 1024
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        let process: Int
        package var description: String { "no process \(process); give the id of a running server" }
    }

    private static func text(of path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    /// User and system time (proc(5): fields 14 and 15; the name in field 2 may contain spaces) and resident pages.
    package static func parse(stat: String, statm: String) -> (ticks: Int, pages: Int)? {
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        let memory = statm.split(separator: " ")
        guard fields.count > 12, memory.count > 1, let user = Int(fields[11]), let system = Int(fields[12]),
            let pages = Int(memory[1])
        else { return nil }
        return (user + system, pages)
    }
}

enum OwnProcess {
    static var cpuSeconds: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Thousands of connections need more descriptors than a shell allows by default.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
