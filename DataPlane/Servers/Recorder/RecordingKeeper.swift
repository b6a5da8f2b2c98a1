import ClusterModel
import Logging
import Observability
import Synchronization

/// Where complete recordings are copied to.
package protocol RecordingStore: Sendable {
    /// Returns where it lies there. May take as long as the file is large.
    func store(_ path: String, app: String, file: String) async throws -> String
}

/// Tells the control plane of files, and has them copied. What cannot be told or copied now is tried again.
actor RecordingKeeper {
    private static let pauses: [Duration] = [.seconds(1), .seconds(5), .seconds(30), .seconds(120)]
    /// A day of pauses of two minutes; then the next start tells it.
    private static let triesMax = 720

    private let directory: RecordingDirectory
    private let catalog: any RecordingCatalog
    private let store: (any RecordingStore)?
    private let logger: Logger
    /// Keys of files that are to be copied and were not yet: their only copy must not go.
    private let waiting = Mutex<Set<String>>([])
    /// One copy at a time: they share the link with the viewers.
    private var copying: Task<Void, Never>?

    init(
        directory: RecordingDirectory,
        catalog: any RecordingCatalog,
        store: (any RecordingStore)?,
        logger: Logger
    ) {
        self.directory = directory
        self.catalog = catalog
        self.store = store
        self.logger = logger
    }

    nonisolated func add(_ recording: RecordingResource) {
        if store != nil { waiting.withLock { _ = $0.insert(recording.recordKey) } }
        Task {
            guard let known = await self.tell(recording) else { return }
            if known.storedAt == nil { await self.copy(known) } else { self.settle(recording) }
        }
    }

    nonisolated func waitsForCopy(_ key: String) -> Bool { waiting.withLock { $0.contains(key) } }

    private nonisolated func settle(_ recording: RecordingResource) {
        waiting.withLock { _ = $0.remove(recording.recordKey) }
    }

    /// The file is no more on this node. `done` is called when that was told, or never could be.
    nonisolated func removed(_ recording: RecordingResource, done: @escaping @Sendable () -> Void = {}) {
        var gone = recording
        gone.isOnNode = false
        Task { [gone] in
            _ = await self.tell(gone)
            done()
        }
    }

    /// What the control plane knows of it now; nil when it never could be told.
    private func tell(_ recording: RecordingResource) async -> RecordingResource? {
        for turn in 0..<Self.triesMax {
            if let known = await catalog.put(recording) { return known }
            guard await pause(turn) else { return nil }
        }
        return nil
    }

    private func pause(_ turn: Int) async -> Bool {
        (try? await Task.sleep(for: Self.pauses[min(turn, Self.pauses.count - 1)])) != nil
    }

    private func copy(_ recording: RecordingResource) {
        guard let store else { return }
        let before = copying
        copying = Task {
            await before?.value
            await self.copy(recording, to: store)
        }
    }

    private func copy(_ recording: RecordingResource, to store: any RecordingStore) async {
        let path = directory.file(app: recording.app, name: recording.name)
        for turn in 0..<Self.triesMax {
            // Somebody deleted it meanwhile.
            guard directory.facts(path) != nil else { return settle(recording) }
            do {
                var stored = recording
                stored.storedAt = try await store.store(
                    path,
                    app: recording.app,
                    file: "\(recording.name)\(RecordingDirectory.suffix)"
                )
                settle(recording)
                // Deleted while it was copied: it is not to come back on the list.
                stored.isOnNode = directory.facts(path) != nil
                logger.info("recording copied", metadata: [LogKeys.url: "\(stored.storedAt ?? "")"])
                return _ = await tell(stored)
            } catch {
                let metadata: Logger.Metadata = [LogKeys.path: "\(path)", LogKeys.error: "\(error)"]
                logger.warning("recording not copied yet", metadata: metadata)
            }
            guard await pause(turn) else { return }
        }
    }
}
