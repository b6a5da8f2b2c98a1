package import Timebase

/// Decides which questions a control plane answers. Pure: bytes and time in, the nonce to answer out.
package struct DiscoveryResponder: Sendable {
    package struct Limits: Sendable {
        /// Checking a code costs about as much as answering; a flood beyond this is not even read.
        package var datagramsPerSecondMax = 200
        /// A nonce that comes again is a replay; this many are remembered.
        package var noncesMax = 4096

        package init() {}
    }

    private let key: Discovery.Key
    private let limits: Limits
    private var seen: Set<Discovery.Nonce> = []
    private var order: [Discovery.Nonce] = []
    private var oldest = 0
    private var windowBegan: MonotonicInstant?
    private var readInWindow = 0

    package init(key: Discovery.Key, limits: Limits = Limits()) {
        self.key = key
        self.limits = limits
    }

    package mutating func receive(_ datagram: [UInt8], at now: MonotonicInstant) -> Discovery.Nonce? {
        guard admit(at: now), let nonce = Discovery.nonce(ofQuestion: datagram, key) else { return nil }
        guard seen.insert(nonce).inserted else { return nil }
        if order.count < limits.noncesMax {
            order.append(nonce)
        } else {
            seen.remove(order[oldest])
            order[oldest] = nonce
            oldest = (oldest + 1) % limits.noncesMax
        }
        return nonce
    }

    private mutating func admit(at now: MonotonicInstant) -> Bool {
        if windowBegan.map({ now - $0 >= .seconds(1) }) ?? true {
            windowBegan = now
            readInWindow = 0
        }
        readInWindow += 1
        return readInWindow <= limits.datagramsPerSecondMax
    }
}
