import ClusterModel
import Crypto
import DequeModule
import Domain
import Hummingbird
import Synchronization
import Timebase

import struct Foundation.Data

/// Answers of writes by `Idempotency-Key`: a repeated request gets the first one's answer and takes no effect again.
final class IdempotencyCache: Sendable {
    struct Key: Hashable, Sendable {
        var role: AccessRole?
        var method: String
        var path: String
        var key: String
    }

    enum Lookup: Sendable {
        case first
        case repeated(Reply)
    }

    private struct Entry {
        var fingerprint: SHA256Digest
        var reply: Reply?
        var bytes = 0
        var expiresAt: MonotonicInstant
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var order: Deque<Key> = []
        var bytes = 0
    }

    private let state = Mutex(State())
    private let limits: APILimits

    init(limits: APILimits) { self.limits = limits }

    func begin(_ key: Key, body: ByteBuffer, at now: MonotonicInstant) throws(Problem) -> Lookup {
        let fingerprint = SHA256.hash(data: Data(body.readableBytesView))
        return try state.withLock { state throws(Problem) in
            evict(&state, at: now)
            guard let entry = state.entries[key] else {
                state.entries[key] = Entry(fingerprint: fingerprint, expiresAt: now + limits.idempotencyLifetime)
                state.order.append(key)
                return .first
            }
            guard entry.fingerprint == fingerprint else {
                throw .unprocessable("This Idempotency-Key was used with another body. Use a new key.")
            }
            guard let reply = entry.reply else {
                throw .conflict("A request with this Idempotency-Key is still being answered.")
            }
            return .repeated(reply)
        }
    }

    /// Server errors are forgotten, so that the request can be tried again under its key.
    func end(_ key: Key, with reply: Reply?) {
        state.withLock { state in
            guard let reply, reply.status.code < 500, case .whole(let body) = reply.content else {
                state.entries[key] = nil
                return
            }
            state.entries[key]?.reply = reply
            state.entries[key]?.bytes = body.readableBytes
            state.bytes += body.readableBytes
        }
    }

    private func evict(_ state: inout State, at now: MonotonicInstant) {
        while let oldest = state.order.first {
            let entry = state.entries[oldest]
            let isOver = state.order.count >= limits.idempotencyEntriesMax || state.bytes > limits.idempotencyBytesMax
            guard isOver || entry == nil || (entry?.expiresAt ?? now) <= now else { return }
            state.order.removeFirst()
            state.bytes -= entry?.bytes ?? 0
            state.entries[oldest] = nil
        }
    }
}
