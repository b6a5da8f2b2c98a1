import Crypto

/// Transaction IDs that nobody can guess (RFC 8489 §5 asks for that, and RFC 7675 lives on it), from one secret: each
/// is an HMAC of a counter.
struct TransactionIDs {
    private let key: SymmetricKey
    private var count: UInt64 = 0

    init(using random: inout some RandomNumberGenerator) {
        key = SymmetricKey(data: (0..<4).flatMap { _ in bigEndianBytes(of: random.next()) })
    }

    mutating func next() -> StunTransactionID {
        let bytes = nextBytes()
        return StunTransactionID(
            high: bytes[0..<4].reduce(0) { $0 << 8 | UInt32($1) },
            low: bytes[4..<12].reduce(0) { $0 << 8 | UInt64($1) }
        )
    }

    /// 0 to 400, for the ± 20 % by which consent checks are spread.
    mutating func nextJitterPerMille() -> Int { Int(nextBytes().prefix(2).reduce(0) { $0 << 8 | UInt32($1) } % 401) }

    private mutating func nextBytes() -> [UInt8] {
        count += 1
        return Array(HMAC<Insecure.SHA1>.authenticationCode(for: bigEndianBytes(of: count), using: key))
    }
}

private func bigEndianBytes(of value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - $0 * 8)) }
}
