package struct APILimits: Sendable {
    /// A heartbeat of a node with some thousand streams fits.
    package var requestBodyBytesMax = 4 << 20
    package var pageItemsDefault = 100
    package var pageItemsMax = 1000
    /// Answers kept for repeated `Idempotency-Key`s.
    package var idempotencyEntriesMax = 10_000
    package var idempotencyBytesMax = 16 << 20
    package var idempotencyLifetime = Duration.seconds(600)
    package var idempotencyKeyCharactersMax = 255

    package init() {}
}
