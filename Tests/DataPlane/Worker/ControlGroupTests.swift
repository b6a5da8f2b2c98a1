import Testing
import Worker

/// Files as Linux 6.18 has them, of version 1, version 2 and both at once.
@Suite struct ControlGroupTests {
    struct Machine: Sendable {
        var memberships: String
        var files: [String: String]
        var memoryBytes: Int?
        var cores: Double?
    }

    private static let unlimited = "9223372036854771712\n"

    private static let machines: [String: Machine] = [
        "no control groups": Machine(memberships: "", files: [:]),
        "a container of version 2": Machine(
            memberships: "0::/\n",
            files: ["memory.max": "536870912\n", "cpu.max": "150000 100000\n"],
            memoryBytes: 512 << 20,
            cores: 1.5
        ),
        "a service of version 2 without limits": Machine(
            memberships: "0::/system.slice/millrace.service\n",
            files: [
                "system.slice/millrace.service/memory.max": "max\n",
                "system.slice/millrace.service/cpu.max": "max 100000\n", "system.slice/memory.max": "max\n",
            ]
        ),
        "a limit above the service's own": Machine(
            memberships: "0::/media.slice/millrace.service\n",
            files: [
                "media.slice/millrace.service/memory.max": "2147483648\n", "media.slice/memory.max": "1073741824\n",
                "media.slice/millrace.service/cpu.max": "max 100000\n", "media.slice/cpu.max": "50000 100000\n",
            ],
            memoryBytes: 1 << 30,
            cores: 0.5
        ),
        "a service of version 1": Machine(
            memberships: "5:cpu,cpuacct:/media\n4:memory:/media/worker\n0::/\n",
            files: [
                "memory/memory.limit_in_bytes": unlimited, "memory/media/worker/memory.limit_in_bytes": "268435456\n",
                "memory/media/memory.limit_in_bytes": unlimited, "cpu/media/cpu.cfs_quota_us": "200000\n",
                "cpu/media/cpu.cfs_period_us": "50000\n", "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
            ],
            memoryBytes: 256 << 20,
            cores: 4
        ),
        "a container of version 1, named as the host sees it": Machine(
            memberships: "4:memory:/docker/3f2c\n2:cpu:/docker/3f2c\n",
            files: [
                "memory/memory.limit_in_bytes": "134217728\n", "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
            ],
            memoryBytes: 128 << 20
        ),
    ]

    @Test(arguments: machines.keys.sorted())
    func `the lowest limit of a process's groups holds`(name: String) throws {
        let machine = try #require(Self.machines[name])
        let group = ControlGroup(memberships: machine.memberships) { path in
            path.hasPrefix("/sys/fs/cgroup/") ? machine.files[String(path.dropFirst("/sys/fs/cgroup/".count))] : nil
        }
        #expect(group.memoryBytes == machine.memoryBytes)
        #expect(group.cores == machine.cores)
    }
}
