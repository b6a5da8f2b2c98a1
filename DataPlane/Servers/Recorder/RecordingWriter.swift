import ClusterModel
import Foundation
import Glibc
import NIOCore
import Recording
import Timebase

/// Writes the files of one stream's recording, in the order in which it is told to.
///
/// `@unchecked Sendable`: touched on the recorder's thread only.
final class RecordingWriter: @unchecked Sendable {
    struct Finished: Sendable {
        var recording: RecordingResource
        var path: String
    }

    /// Sees to it that so many bytes more are within the limit of all recordings.
    typealias MakeRoom = @Sendable (Int) throws(RecorderFault) -> Void

    private struct Open: ~Copyable {
        var file: RecordingFile
        var name: String
        var startedAt: WallTime
    }

    private let stream: StreamID
    private let nodeID: String
    private let directory: RecordingDirectory
    private let freeBytesMin: Int
    private let makeRoom: MakeRoom
    private var open: Open?
    private var hasFailed = false

    init(
        stream: StreamID,
        nodeID: String,
        directory: RecordingDirectory,
        freeBytesMin: Int,
        makeRoom: @escaping MakeRoom
    ) {
        self.stream = stream
        self.nodeID = nodeID
        self.directory = directory
        self.freeBytesMin = freeBytesMin
        self.makeRoom = makeRoom
    }

    /// The file that grows, and its bytes.
    var current: (name: String, bytes: Int)? {
        switch open {
        case .none: nil
        case .some(let open): (open.name, Int(open.file.bytes))
        }
    }

    /// After a failure nothing more is written. Returns what is complete now.
    func perform(_ output: Fragmenter.Output, at now: WallTime) -> Result<Finished?, RecorderFault> {
        guard !hasFailed else { return .success(nil) }
        do throws(RecorderFault) {
            switch output {
            case .begin(let tracks):
                try begin(RecordingLayout.header(tracks), at: now)
                return .success(nil)
            case .fragment(let fragment):
                try append(fragment.encoded())
                return .success(nil)
            case .end: return .success(try end())
            }
        } catch {
            hasFailed = true
            return .failure(error)
        }
    }

    /// Keeps what was written so far, after a failure or when the stream is gone.
    func close() -> Finished? { try? end() }

    private func begin(_ header: ByteBuffer, at now: WallTime) throws(RecorderFault) {
        try directory.makeFolder(of: stream.app)
        let name = RecordingResource.name(of: stream, startedAt: now)
        let part = directory.part(app: stream.app, name: name)
        var file = try RecordingFile(creating: part)
        do throws(RecorderFault) { try file.append(header) } catch {
            unlink(part)
            throw error
        }
        open = Open(file: file, name: name, startedAt: now)
    }

    private func append(_ bytes: ByteBuffer) throws(RecorderFault) {
        try makeRoom(bytes.readableBytes)
        if let free = directory.freeBytes, free < freeBytesMin + bytes.readableBytes { throw .diskFull(directory.path) }
        try open?.file.append(bytes)
    }

    private func end() throws(RecorderFault) -> Finished? {
        guard var ended = open.take() else { return nil }
        let part = directory.part(app: stream.app, name: ended.name)
        let milliseconds: Int64
        do throws(RecorderFault) { milliseconds = try ended.file.finalise() } catch {
            if error == .recording(.empty) { unlink(part) }
            throw error
        }
        let path = directory.file(app: stream.app, name: ended.name)
        guard rename(part, path) == 0 else { throw .system("rename", part) }
        let recording = RecordingResource(
            app: stream.app,
            id: stream.id,
            name: ended.name,
            nodeId: nodeID,
            startedAt: ended.startedAt,
            duration: Double(milliseconds) / 1000,
            bytes: Int(ended.file.bytes)
        )
        return Finished(recording: recording, path: path)
    }
}
