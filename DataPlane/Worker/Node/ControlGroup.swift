/// What the control groups of this process allow it (cgroups(7), versions 1 and 2): a limit of its own group or of one
/// above it holds.
package struct ControlGroup: Sendable {
    private static let root = "/sys/fs/cgroup"

    /// `hierarchy:controllers:path`, a line each.
    private let memberships: [[Substring]]
    private let text: @Sendable (_ path: String) -> String?

    /// - Parameters:
    ///   - memberships: what `/proc/self/cgroup` says.
    ///   - text: of the file at a path below `/sys/fs/cgroup`; nil where there is none.
    package init(memberships: String, text: @escaping @Sendable (_ path: String) -> String?) {
        self.memberships = memberships.split(whereSeparator: \.isNewline).map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        self.text = text
    }

    /// Nil without a limit.
    package var memoryBytes: Int? {
        folders(of: "memory")
            .flatMap { ["\($0)/memory.max", "\($0)/memory.limit_in_bytes"] }
            // Version 2 has the word `max` for none, version 1 a number above every machine's memory.
            .compactMap { text($0).flatMap { numbers(in: $0).first } }
            .min().map { Int($0) }
    }

    /// Cores' worth of time, often no whole number; nil without a limit.
    package var cores: Double? { folders(of: "cpu").compactMap(cores(in:)).min() }

    private func cores(in folder: String) -> Double? {
        let quota = text("\(folder)/cpu.max") ?? text("\(folder)/cpu.cfs_quota_us")
        let numbers = numbers(in: "\(quota ?? "") \(text("\(folder)/cpu.cfs_period_us") ?? "")")
        // `max`, or -1, for no limit.
        guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
        return Double(numbers[0]) / Double(numbers[1])
    }

    /// This process's group and those above it, in both versions' places. In a container they may be named as the host
    /// sees them, while the root is the container's own.
    private func folders(of controller: String) -> [String] {
        memberships.reduce(into: [Self.root, "\(Self.root)/\(controller)"]) { folders, membership in
            guard membership.count == 3 else { return }
            let isUnified = membership[1].isEmpty
            guard isUnified || membership[1].split(separator: ",").contains(Substring(controller)) else { return }
            var folder = isUnified ? Self.root : "\(Self.root)/\(controller)"
            for name in membership[2].split(separator: "/") {
                folder += "/\(name)"
                folders.append(folder)
            }
        }
    }

    private func numbers(in text: String) -> [Int64] {
        text.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
    }
}
