/// A node in one of its lives.
package struct Boot: Hashable, Sendable {
    package var node: String
    package var boot: String

    package init(_ node: String, _ boot: String) {
        self.node = node
        self.boot = boot
    }
}

/// One call about one stream, as the caller saw it.
package struct StreamOperation: Hashable, Sendable {
    package enum Call: Hashable, Sendable {
        case claim(Boot)
        case release(Boot, epoch: Int64)
        /// The node registered anew: whatever its earlier boot owned is gone.
        case restart(Boot)
    }

    package enum Answer: Hashable, Sendable {
        case granted(epoch: Int64)
        /// Somebody owns the stream. A control plane may say so some milliseconds after it ceased to be true.
        case inUse(owner: String)
        /// The caller is an earlier boot of its node.
        case superseded
        case done
        /// No answer, or one that leaves open whether the call took effect: it may have, at any time since.
        case unknown
    }

    package var call: Call
    package var answer: Answer
    /// Instants of one clock, in any unit: an operation that returned before another was called came before it.
    package var calledAt: Int64
    package var returnedAt: Int64

    package init(_ call: Call, _ answer: Answer, calledAt: Int64, returnedAt: Int64) {
        self.call = call
        self.answer = answer
        self.calledAt = calledAt
        self.returnedAt = returnedAt
    }
}
