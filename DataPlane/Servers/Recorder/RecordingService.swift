package import ClusterModel
import Glibc
package import Logging
import Metrics
import NIOPosix
import Observability
package import Recording
package import Streams
import Synchronization
package import Timebase

/// Who is told of recordings that are complete, and of files that are gone.
package protocol RecordingCatalog: Sendable {
    /// Returns what is known of it now; nil when it could not be told.
    func put(_ recording: RecordingResource) async -> RecordingResource?
}

/// The recordings of a node: those that are under way and the files of those that are complete.
package final class RecordingService: Sendable {
    package struct Settings: Sendable {
        package var directory: String
        package var retention: Retention
        /// Recordings end before the disk has less room than this.
        package var freeBytesMin: Int

        package init(directory: String, retention: Retention = Retention(), freeBytesMin: Int = 0) {
            self.directory = directory
            self.retention = retention
            self.freeBytesMin = freeBytesMin
        }
    }

    static let bytes = MetricNames.recordedBytes.counter()
    private static let failures = MetricNames.recordingFailures.counter()

    package let directory: RecordingDirectory
    let limits: RecordingLimits
    let wall: @Sendable () -> WallTime
    /// One thread writes all: they share the disk, and none may overtake itself.
    let thread: NIOThreadPool
    private let settings: Settings
    private let nodeID: String
    private let logger: Logger
    private let active = Mutex<[StreamID: StreamRecorder]>([:])
    private let keeper: RecordingKeeper
    /// Of the files that are complete.
    private let keptBytes = Mutex(0)
    /// Told to be removed, and not yet told to be gone.
    private let leaving = Mutex<Set<String>>([])
    /// Wall time in milliseconds.
    private let nextLook = Mutex<Int64>(0)
    private static let lookInterval: Int64 = 60_000

    package init(
        settings: Settings,
        nodeID: String,
        catalog: any RecordingCatalog,
        store: (any RecordingStore)?,
        limits: RecordingLimits = RecordingLimits(),
        wall: @escaping @Sendable () -> WallTime,
        logger: Logger
    ) {
        self.settings = settings
        self.nodeID = nodeID
        var limits = limits
        limits.fileBytesMax = settings.retention.fileBytesMax(limits.fileBytesMax)
        self.limits = limits
        self.wall = wall
        self.logger = logger
        directory = RecordingDirectory(path: settings.directory)
        thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        keeper = RecordingKeeper(directory: directory, catalog: catalog, store: store, logger: logger)
    }

    /// Makes whole what an earlier process left, and tells of all that is there.
    package func recover() {
        thread.submit { _ in
            for entry in self.directory.entries() {
                if entry.isPart { self.recover(entry) } else { self.announce(entry) }
            }
            self.expire()
        }
    }

    /// Records the stream from its current segment on. Harmless when it is recorded already.
    package func record(_ stream: LiveStream) {
        let recorder: StreamRecorder? = active.withLock { active in
            if let known = active[stream.id], known.stream === stream, !known.isOver { return nil }
            let writer = RecordingWriter(
                stream: stream.id,
                nodeID: nodeID,
                directory: directory,
                freeBytesMin: settings.freeBytesMin,
                makeRoom: { [weak self] bytes throws(RecorderFault) in try self?.makeRoom(for: bytes) }
            )
            let recorder = StreamRecorder(stream, service: self, writer: writer)
            active[stream.id] = recorder
            return recorder
        }
        guard let recorder else { return }
        logger.info("recording", metadata: [LogKeys.stream: "\(stream.id)"])
        recorder.start()
    }

    /// Ends the recording, which then can be begun anew.
    package func stop(_ stream: StreamID) { active.withLock { $0[stream] }?.stop() }

    package func status(of stream: StreamID) -> RecordingStatus? { active.withLock { $0[stream] }?.status }

    package func isRecording(_ stream: StreamID) -> Bool {
        active.withLock { $0[stream] }.map { !$0.isOver && $0.status.state == .recording } ?? false
    }

    /// Removes the files of recordings (`app/name`) that were deleted. Harmless when they are gone already.
    package func remove(_ keys: [String]) {
        for key in keys {
            guard let entry = RecordingDirectory.Entry(key: key), let recording = recording(entry, 0, bytes: 0),
                leaving.withLock({ $0.insert(key).inserted })
            else { continue }
            thread.submit { _ in
                unlink(self.directory.file(app: entry.app, name: entry.name))
                self.logger.info("recording removed: it was deleted", metadata: [LogKeys.path: "\(key)"])
                self.keeper.removed(recording) { self.leaving.withLock { _ = $0.remove(key) } }
            }
        }
    }

    /// Ends all recordings and returns once their files are complete.
    package func close() async {
        for recorder in active.withLock({ Array($0.values) }) { recorder.stop() }
        while active.withLock({ !$0.isEmpty }) {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { break }
        }
        try? await thread.shutdownGracefully()
    }

    // MARK: On the recorder's thread

    func finished(_ finished: RecordingWriter.Finished) {
        let recording = finished.recording
        logger.info(
            "recorded",
            metadata: [
                LogKeys.path: "\(finished.path)", LogKeys.bytes: "\(recording.bytes)",
                LogKeys.durationSeconds: "\(recording.duration)",
            ]
        )
        keeper.add(recording)
        expire()
    }

    /// Older files go before one that grows; where that is not enough, that one ends.
    private func makeRoom(for bytes: Int) throws(RecorderFault) {
        guard let limit = settings.retention.bytesMax else { return }
        if keptBytes.withLock({ $0 }) + growing + bytes <= limit { return }
        expire(coming: bytes)
        if keptBytes.withLock({ $0 }) + growing + bytes > limit { throw .overLimit(bytes: limit) }
    }

    private var growing: Int { active.withLock { $0.values.reduce(0) { $0 + $1.growingBytes } } }

    func failed(_ stream: StreamID, _ fault: RecorderFault) {
        Self.failures.increment()
        logger.error("recording ended", metadata: [LogKeys.stream: "\(stream)", LogKeys.error: "\(fault)"])
    }

    func ended(_ recorder: StreamRecorder) {
        active.withLock { active in
            if active[recorder.stream.id] === recorder { active[recorder.stream.id] = nil }
        }
    }

    private func recover(_ entry: RecordingDirectory.Entry) {
        let part = directory.part(app: entry.app, name: entry.name)
        do throws(RecorderFault) {
            var file = try RecordingFile(opening: part)
            _ = try file.finalise()
            let whole = directory.file(app: entry.app, name: entry.name)
            guard rename(part, whole) == 0 else { throw .system("rename", part) }
            logger.notice("recording of an earlier process made whole", metadata: [LogKeys.path: "\(part)"])
            announce(entry)
        } catch {
            logger.error("recording left as it is", metadata: [LogKeys.path: "\(part)", LogKeys.error: "\(error)"])
            if error == .recording(.empty) { unlink(part) }
        }
    }

    private func announce(_ entry: RecordingDirectory.Entry) {
        let path = directory.file(app: entry.app, name: entry.name)
        guard let facts = directory.facts(path), let milliseconds = RecordingFile.duration(of: path),
            let recording = recording(entry, milliseconds, bytes: facts.bytes)
        else { return }
        keeper.add(recording)
    }

    private func recording(
        _ entry: RecordingDirectory.Entry,
        _ milliseconds: Int64,
        bytes: Int
    ) -> RecordingResource? {
        RecordingName(entry.name).map { parts in
            RecordingResource(
                app: entry.app,
                id: parts.id,
                name: entry.name,
                nodeId: nodeID,
                startedAt: parts.startedAt,
                duration: Double(milliseconds) / 1000,
                bytes: bytes
            )
        }
    }

    /// Removes what is over the limits, or would be with so many bytes more.
    private func expire(coming: Int = 0) {
        let files = directory.entries().filter { !$0.isPart }.compactMap { entry in
            directory.facts(directory.file(app: entry.app, name: entry.name)).map {
                Retention.File(
                    path: entry.key,
                    bytes: $0.bytes,
                    endedAt: $0.changedAt,
                    waitsForCopy: keeper.waitsForCopy(entry.key)
                )
            }
        }
        let expired = Set(settings.retention.expired(files, growing: growing + coming, at: wall()))
        keptBytes.withLock { $0 = files.reduce(0) { $0 + (expired.contains($1.path) ? 0 : $1.bytes) } }
        for path in expired.sorted() {
            guard let entry = RecordingDirectory.Entry(key: path) else { continue }
            unlink(directory.file(app: entry.app, name: entry.name))
            logger.info("recording removed: over the limits", metadata: [LogKeys.path: "\(path)"])
            if let recording = recording(entry, 0, bytes: 0) { keeper.removed(recording) }
        }
    }

    /// To be called about every second: files grow old also when nothing ends.
    package func look() {
        let now = wall().milliseconds
        let isDue = nextLook.withLock { due in
            guard now >= due else { return false }
            due = now + Self.lookInterval
            return true
        }
        if isDue { thread.submit { _ in self.expire() } }
    }
}
