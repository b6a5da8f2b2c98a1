package import Timebase

/// `PUT /v1/recordings/{app}/{name}`, by the node that has the file, and the API's resource.
package struct RecordingResource: Codable, Hashable, Sendable {
    package var app: String
    /// Of the stream.
    package var id: String
    /// The file's without its ending.
    package var name: String
    /// The node that recorded it.
    package var nodeId: String
    package var startedAt: WallTime
    /// Seconds.
    package var duration: Double
    package var bytes: Int
    /// The node has the file, at `/{app}/streams/{name}.mp4`.
    package var isOnNode: Bool
    /// Where it was copied to (`s3://bucket/key`).
    package var storedAt: String?
    /// It was deleted, and its node has not removed the file yet.
    package var isUnwanted: Bool?

    package init(
        app: String,
        id: String,
        name: String,
        nodeId: String,
        startedAt: WallTime,
        duration: Double,
        bytes: Int,
        isOnNode: Bool = true,
        storedAt: String? = nil,
        isUnwanted: Bool? = nil
    ) {
        self.app = app
        self.id = id
        self.name = name
        self.nodeId = nodeId
        self.startedAt = startedAt
        self.duration = duration
        self.bytes = bytes
        self.isOnNode = isOnNode
        self.storedAt = storedAt
        self.isUnwanted = isUnwanted
    }

    /// `{id}-{time}`: no two recordings of a stream begin in one millisecond, on whatever node.
    package static func name(of stream: StreamID, startedAt: WallTime) -> String {
        let digits = startedAt.rfc3339.filter { $0.isNumber || $0 == "T" }
        return "\(stream.id)-\(digits)"
    }

    package var recordKey: String { "\(app)/\(name)" }
}
