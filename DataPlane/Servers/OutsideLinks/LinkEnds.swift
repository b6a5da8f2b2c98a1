/// The end of one connection, told once and waited for once.
struct LinkEnds: Sendable {
    private let ends: AsyncStream<LinkEnd>
    private let continuation: AsyncStream<LinkEnd>.Continuation

    init() { (ends, continuation) = AsyncStream.makeStream(of: LinkEnd.self, bufferingPolicy: .bufferingOldest(1)) }

    var tell: @Sendable (LinkEnd) -> Void {
        { [continuation] end in
            continuation.yield(end)
            continuation.finish()
        }
    }

    /// Opens the connection and waits for its end. A task that is cancelled stops it.
    func wait(stop: @escaping @Sendable () -> Void, _ open: () async throws -> Void) async -> LinkEnd {
        await withTaskCancellationHandler {
            do { try await open() } catch { return .failed(ConnectionWords.of(error)) }
            for await end in ends { return end }
            return .finished
        } onCancel: {
            stop()
        }
    }
}
