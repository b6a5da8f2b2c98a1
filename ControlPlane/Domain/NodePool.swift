import OrderedCollections

/// Nodes that are drawn from without listing them: there may be thousands, and one is drawn for each player that comes.
struct NodePool {
    /// This many random looks come before a look at all: most nodes can take a client, and few looks find two that can.
    private static let looksMax = 32

    private let parts: [OrderedSet<String>]
    private let count: Int

    init(_ parts: [OrderedSet<String>]) {
        self.parts = parts
        count = parts.reduce(0) { $0 + $1.count }
    }

    /// Two of those that are eligible, each as likely as any other, maybe the same twice; nil where there is none.
    func drawTwo(
        using random: inout some RandomNumberGenerator,
        where isEligible: (String) -> Bool
    ) -> (String, String)? {
        var first: String?
        for _ in 0..<(count > Self.looksMax ? Self.looksMax : 0) {
            guard let node = node(at: Int.random(in: 0..<count, using: &random)), isEligible(node) else { continue }
            if let first { return (first, node) }
            first = node
        }
        let eligible = parts.flatMap { $0.filter(isEligible) }
        guard let second = eligible.randomElement(using: &random) else { return nil }
        return (first ?? eligible.randomElement(using: &random) ?? second, second)
    }

    private func node(at place: Int) -> String? {
        var place = place
        for part in parts {
            if place < part.count { return part[place] }
            place -= part.count
        }
        return nil
    }
}
