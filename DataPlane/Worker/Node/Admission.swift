package import ClusterModel

/// What a node may carry before it takes nothing more. Nil is no limit.
package struct AdmissionLimits: Hashable, Sendable {
    /// Share of all cores, 0 to 1.
    package var cpu: Double?
    /// Share of the memory budget, 0 to 1.
    package var memory: Double?
    package var egressBitsPerSecond: Int64?
    package var publishers: Int?
    package var viewers: Int?
    /// Units and pictures that wait for decoders and encoders.
    package var encoderQueueDepth: Int?
    /// Share of real time for which the slowest encoder works, 0 to 1.
    package var encoderUse: Double?

    package init(
        cpu: Double? = nil,
        memory: Double? = nil,
        egressBitsPerSecond: Int64? = nil,
        publishers: Int? = nil,
        viewers: Int? = nil,
        encoderQueueDepth: Int? = nil,
        encoderUse: Double? = nil
    ) {
        self.cpu = cpu
        self.memory = memory
        self.egressBitsPerSecond = egressBitsPerSecond
        self.publishers = publishers
        self.viewers = viewers
        self.encoderQueueDepth = encoderQueueDepth
        self.encoderUse = encoderUse
    }
}

/// Whether the node takes something new, by what it carries. Pure; what runs already is never its business.
package struct Admission: Hashable, Sendable {
    package enum Resource: String, CaseIterable, Sendable {
        case cpu
        case memory
        case egress
        case publishers
        case viewers
        case encoders
        case encoderUse

        /// A node with all its viewers still takes publishers, and the other way round; viewers of what is there cost no
        /// encoder.
        package func concerns(_ ask: Intake.Ask) -> Bool {
            switch (self, ask) {
            case (_, .nextObject), (.publishers, .play), (.viewers, .publish), (.encoders, .play), (.encoderUse, .play):
                false
            case (.cpu, _), (.memory, _), (.egress, _): true
            case (.publishers, .publish), (.encoders, .publish), (.encoderUse, .publish), (.viewers, .play): true
            }
        }
    }

    /// What is over its limit, in words.
    package struct Full: Hashable, Sendable {
        package var resource: Resource
        package var reason: String

        package init(resource: Resource, reason: String) {
            self.resource = resource
            self.reason = reason
        }
    }

    /// A resource that was over its limit counts as full until it is below this share of it: a node near the limit does not
    /// change its mind with every sample.
    package static let reopenShare = 0.9

    package let limits: AdmissionLimits
    package private(set) var full: [Full] = []
    /// The fullest resource: of the machine, 0 to 1, or of what a limit allows, 0 to 1 and above.
    package private(set) var utilisation = 0.0

    package init(limits: AdmissionLimits) { self.limits = limits }

    package mutating func judge(_ load: NodeLoad) {
        let before = Set(full.map(\.resource))
        full = Resource.allCases.compactMap { resource in
            guard let (used, limit) = use(of: resource, load) else { return nil }
            let threshold = before.contains(resource) ? limit * Self.reopenShare : limit
            guard used >= threshold else { return nil }
            return Full(resource: resource, reason: words(resource, used, limit))
        }
        let shares = Resource.allCases.compactMap { use(of: $0, load).map { $0.used / max($0.limit, .ulpOfOne) } }
        utilisation = max(load.cpu, load.memory, shares.max() ?? 0)
    }

    private func use(of resource: Resource, _ load: NodeLoad) -> (used: Double, limit: Double)? {
        switch resource {
        case .cpu: limits.cpu.map { (load.cpu, $0) }
        case .memory: limits.memory.map { (load.memory, $0) }
        case .egress: limits.egressBitsPerSecond.map { (Double(load.egressBitsPerSecond), Double($0)) }
        case .publishers: limits.publishers.map { (Double(load.publishers), Double($0)) }
        case .viewers: limits.viewers.map { (Double(load.viewers.total), Double($0)) }
        case .encoders: limits.encoderQueueDepth.map { (Double(load.encoderQueueDepth), Double($0)) }
        case .encoderUse: limits.encoderUse.map { (load.encoderUse, $0) }
        }
    }

    private func words(_ resource: Resource, _ used: Double, _ limit: Double) -> String {
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
        func megabits(_ bits: Double) -> String { "\(Int((bits / 1_000_000).rounded())) Mbit/s" }
        return switch resource {
        case .cpu, .memory: "\(resource.rawValue) \(percent(used)) of \(percent(limit))"
        case .egress: "egress \(megabits(used)) of \(megabits(limit))"
        case .publishers, .viewers: "\(Int(used)) of \(Int(limit)) \(resource.rawValue)"
        case .encoders: "\(Int(used)) of \(Int(limit)) pictures wait for encoders"
        case .encoderUse: "the slowest encoder works \(percent(used)) of the time, of \(percent(limit))"
        }
    }
}
