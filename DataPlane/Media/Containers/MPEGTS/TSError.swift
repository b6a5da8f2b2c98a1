/// Why an input cannot be taken as a transport stream. Damage inside one is repaired and counted instead.
package enum TSError: Error, Hashable, Sendable, CustomStringConvertible {
    case notATransportStream
    /// The program names nothing that can be carried, or no program came.
    case noPlayableTrack([TSTrackRefusal])

    /// A stable word for metrics.
    package var reason: String {
        switch self {
        case .notATransportStream: "not_mpegts"
        case .noPlayableTrack: "no_playable_track"
        }
    }

    package var description: String {
        switch self {
        case .notATransportStream:
            "the bytes are no MPEG transport stream: send MPEG-TS (ffmpeg: -f mpegts), not another container"
        case .noPlayableTrack(let refusals):
            "the transport stream has no track that can be carried"
                + (refusals.isEmpty ? "" : " (\(refusals.map(\.description).joined(separator: ", ")))")
                + ": send H.264 or HEVC, and AAC, Opus, AC-3 or MP3"
        }
    }
}

/// An elementary stream that is left out, and why.
package struct TSTrackRefusal: Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        case unsupported(streamType: UInt8)
        /// One picture and one sound are carried.
        case second
    }

    package let pid: PID
    package let reason: Reason

    package init(pid: PID, reason: Reason) {
        self.pid = pid
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .unsupported(let type): "\(pid) has stream type 0x\(String(type, radix: 16))"
        case .second: "\(pid) is a second one of its kind"
        }
    }
}

/// What went wrong on the way to a demuxer. Nothing here ends a stream.
package struct TSStatistics: Hashable, Sendable {
    package var packets = 0
    /// Packets missing by their counters.
    package var continuityErrors = 0
    /// Times that the packets' beginnings had to be looked for.
    package var resyncs = 0
    /// Tables whose checksum was wrong.
    package var damagedTables = 0
    /// Pictures and sounds left out because parts of them were missing.
    package var damagedUnits = 0

    package init() {}
}
