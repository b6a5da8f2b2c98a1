package struct APILimits: Sendable {
    /// A heartbeat of a node with some thousand streams fits.
    package var requestBodyBytesMax = 4 << 20
    package var pageItemsDefault = 100
    package var pageItemsMax = 1000
    package var idempotencyKeyCharactersMax = 255

    package init() {}
}
