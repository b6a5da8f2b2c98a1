import Glibc

/// What the kernel says about this process (proc(5)).
enum ProcessFigures {
    static func now() -> [(MetricName, Double)] {
        var figures: [(MetricName, Double)] = []
        if let times = times() {
            figures += [(MetricNames.processCPU, times.cpuSeconds), (MetricNames.processStart, times.startSeconds)]
        }
        if let memory = memory() {
            figures += [(MetricNames.processResident, memory.resident), (MetricNames.processVirtual, memory.virtual)]
        }
        if let files = openFiles() { figures.append((MetricNames.processOpenFiles, files)) }
        if let most = maxFiles() { figures.append((MetricNames.processMaxFiles, most)) }
        return figures
    }

    private static func times() -> (cpuSeconds: Double, startSeconds: Double)? {
        // The program's name, in parentheses, may hold blanks: count fields from behind it.
        guard let line = contents("/proc/self/stat"), let behind = line.lastIndex(of: ")") else { return nil }
        let fields = line[behind...].split(separator: " ").dropFirst().map(String.init)
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        guard fields.count > 19, let user = Double(fields[11]), let system = Double(fields[12]),
            let start = Double(fields[19]), let boot = bootSeconds()
        else { return nil }
        return ((user + system) / ticks, boot + start / ticks)
    }

    private static func bootSeconds() -> Double? {
        contents("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst("btime ".count)) }
    }

    private static func memory() -> (resident: Double, virtual: Double)? {
        guard let pages = contents("/proc/self/statm")?.split(separator: " "), pages.count > 1,
            let virtual = Double(pages[0]), let resident = Double(pages[1])
        else { return nil }
        let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))
        return (resident * pageBytes, virtual * pageBytes)
    }

    private static func openFiles() -> Double? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        // Not ".", "..", and the descriptor of this very listing.
        return Double(max(0, entries - 3))
    }

    private static func maxFiles() -> Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Double(limit.rlim_cur)
    }

    private static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &block, block.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: block[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
