package import Domain

/// One promise of `ClusterStore`, as a test that runs on any store.
package struct ConformanceCase: Sendable {
    /// The promise, in a sentence.
    package var name: String
    package var body: @Sendable (StoreHost) async throws -> Void

    package init(_ name: String, _ body: @escaping @Sendable (StoreHost) async throws -> Void) {
        self.name = name
        self.body = body
    }

    /// A case that needs nothing but one fresh store.
    package init(_ name: String, on body: @escaping @Sendable (any ClusterStore) async throws -> Void) {
        self.init(name) { host in
            let store = try await host.open()
            do {
                try await body(store)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }
}

/// A place for one store, empty at first, and what its kind can do.
package struct StoreHost: Sendable {
    package var open: @Sendable () async throws -> any ClusterStore
    /// Records are still there when the store is opened again.
    package var keepsRecords: Bool
    /// Several processes may have it open, and `follow` tells one what another wrote.
    package var isShared: Bool
    /// Keeps an open store from writing until what it returns is called; nil where a test cannot.
    package var blockWrites: (@Sendable () async throws -> @Sendable () -> Void)?

    package init(
        keepsRecords: Bool,
        isShared: Bool,
        blockWrites: (@Sendable () async throws -> @Sendable () -> Void)? = nil,
        open: @escaping @Sendable () async throws -> any ClusterStore
    ) {
        self.keepsRecords = keepsRecords
        self.isShared = isShared
        self.blockWrites = blockWrites
        self.open = open
    }
}

package struct ConformanceFailure: Error, CustomStringConvertible {
    package var description: String
}

func check<Value: Equatable>(
    _ actual: Value,
    _ expected: Value,
    _ what: String,
    file: StaticString = #fileID,
    line: UInt = #line
) throws {
    if actual == expected { return }
    throw ConformanceFailure(description: "\(file):\(line): \(what) is \(actual), not \(expected)")
}

func check(_ holds: Bool, _ what: String, file: StaticString = #fileID, line: UInt = #line) throws {
    if holds { return }
    throw ConformanceFailure(description: "\(file):\(line): \(what)")
}

/// Asks again and again until `condition` holds; throws when it does not within `limit`.
package func eventually(
    _ what: String,
    within limit: Duration = .seconds(20),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw ConformanceFailure(description: "after \(limit) still not: \(what)")
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}
