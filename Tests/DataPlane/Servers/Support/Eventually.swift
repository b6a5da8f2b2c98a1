struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

/// Waits for what other threads bring about. The limit is for a test that fails; it measures nothing.
func eventually(_ what: @autoclosure () -> String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverHappened(description: "never: \(what())") }
        try await Task.sleep(for: .milliseconds(2))
    }
}
