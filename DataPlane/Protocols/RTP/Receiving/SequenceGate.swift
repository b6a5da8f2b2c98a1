/// Decides whether a sequence number belongs to the stream (RFC 3550 appendix A.1).
///
/// A number far from the others is let in only when the next packet follows it: then the sender has restarted.
struct SequenceGate: Sendable {
    enum Verdict: Hashable {
        case belongs(Int64)
        case restarts(Int64)
        case strays
    }

    /// MAX_DROPOUT and MAX_MISORDER. Lateness is bounded by retransmissions here, not by reordering.
    private static let dropoutMax: Int64 = 3000
    private static let misorderMax: Int64 = 3000

    private var unwrapper = Unwrapper<UInt16>()
    private var stray: UInt16?

    mutating func admit(_ sequence: UInt16) -> Verdict {
        guard let greatest = unwrapper.greatest else { return .belongs(unwrapper.unwrap(sequence)) }
        let distance = unwrapper.peek(sequence) - greatest
        if (-Self.misorderMax...Self.dropoutMax).contains(distance) {
            stray = nil
            return .belongs(unwrapper.unwrap(sequence))
        }
        guard let stray, sequence == stray &+ 1 else {
            stray = sequence
            return .strays
        }
        // Numbers go on above everything seen, so that what follows still grows.
        self.stray = nil
        unwrapper = Unwrapper(startingAt: (((greatest >> 16) + 2) << 16) | Int64(sequence))
        return .restarts(unwrapper.greatest ?? 0)
    }
}
