package import Timebase

/// `PUT /v1/streams/{app}/{id}`: what is wanted of a stream beside being distributed.
package struct StreamSettings: Codable, Hashable, Sendable {
    /// Nil: as the app's `recordingEnabled` says.
    package var recording: Bool?
    package var restreams: [Restream]
    /// Nil: somebody publishes it.
    package var source: StreamSource?
    /// Its own rungs; an empty list encodes none. Nil: those of `ladderPreset`.
    package var encoderSettings: [EncoderSetting]?
    /// Nil: the app's ladder.
    package var ladderPreset: LadderPreset?

    package init(
        recording: Bool? = nil,
        restreams: [Restream] = [],
        source: StreamSource? = nil,
        encoderSettings: [EncoderSetting]? = nil,
        ladderPreset: LadderPreset? = nil
    ) {
        self.recording = recording
        self.restreams = restreams
        self.source = source
        self.encoderSettings = encoderSettings
        self.ladderPreset = ladderPreset
    }

    /// The rungs encoded beside this stream's source; nil: the app's.
    package var ladder: [EncoderSetting]? { encoderSettings ?? ladderPreset?.encoderSettings }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        recording = try container.decodeIfPresent(Bool.self, forKey: .recording)
        restreams = try container.decodeIfPresent([Restream].self, forKey: .restreams) ?? []
        source = try container.decodeIfPresent(StreamSource.self, forKey: .source)
        encoderSettings = try container.decodeIfPresent([EncoderSetting].self, forKey: .encoderSettings)
        ladderPreset = try container.decodeIfPresent(LadderPreset.self, forKey: .ladderPreset)
    }

    package static let restreamsMax = 16

    /// What is not allowed, as a sentence; nil when all is fine.
    package var fault: String? {
        if restreams.count > Self.restreamsMax {
            return "restreams has \(restreams.count) entries; allowed are \(Self.restreamsMax)"
        }
        if Set(restreams.map(\.id)).count < restreams.count {
            return "two restreams have the same id; give each its own"
        }
        return restreams.lazy.compactMap(\.fault).first ?? source?.fault ?? encoderSettings?.fault
    }
}

/// A server outside of the cluster that a stream is pushed to.
package struct Restream: Codable, Hashable, Sendable {
    /// Names it within its stream.
    package var id: String
    /// `rtmp`, `rtmps` or `srt`. Holds the secret that may publish there.
    package var url: String

    package init(id: String, url: String) {
        self.id = id
        self.url = url
    }

    package static let schemes = ["rtmp", "rtmps", "srt"]

    fileprivate var fault: String? {
        let isName =
            (1...64).contains(id.utf8.count)
            && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        guard isName else { return "restreams: '\(id.prefix(40))' is no id; use 1 to 64 letters, digits, _ and -" }
        return OutsideURL.fault(url, of: "restreams", schemes: Self.schemes)
    }
}

/// Where a stream comes from that nobody publishes.
package struct StreamSource: Codable, Hashable, Sendable {
    package enum Mode: String, Choice {
        /// From now on, on some origin.
        case always
        /// While somebody watches.
        case onDemand
    }

    /// `rtmp`, `rtmps`, `srt`, or `http` and `https` of an HLS playlist.
    package var url: String
    package var mode: Mode

    package init(url: String, mode: Mode) {
        self.url = url
        self.mode = mode
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        url = try container.decode(String.self, forKey: .url)
        mode = try container.decodeIfPresent(Mode.self, forKey: .mode) ?? .always
    }

    package static let schemes = ["rtmp", "rtmps", "srt", "http", "https"]

    fileprivate var fault: String? { OutsideURL.fault(url, of: "source", schemes: Self.schemes) }
}

/// What a node is to do for one stream beside serving it. The whole list goes with every answer to a heartbeat: what is not
/// on it any more has ended.
package struct StreamOrder: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    /// Nil: as the app's settings say.
    package var recording: Bool?
    package var restreams: [Restream]
    /// Set only for the node that the stream was placed on.
    package var source: StreamSource?
    /// When it was placed: the next placement is another order.
    package var placedAt: WallTime?

    package init(
        app: String,
        id: String,
        recording: Bool?,
        restreams: [Restream],
        source: StreamSource?,
        placedAt: WallTime? = nil
    ) {
        self.placedAt = placedAt
        self.app = app
        self.id = id
        self.recording = recording
        self.restreams = restreams
        self.source = source
    }
}

/// What a node does for one stream beside serving it, as its heartbeats tell.
package struct StreamWork: Codable, Hashable, Sendable {
    package var app: String
    package var id: String
    package var recording: RecordingStatus?
    package var restreams: [LinkStatus]
    package var source: LinkStatus?

    package init(
        app: String,
        id: String,
        recording: RecordingStatus? = nil,
        restreams: [LinkStatus] = [],
        source: LinkStatus? = nil
    ) {
        self.app = app
        self.id = id
        self.recording = recording
        self.restreams = restreams
        self.source = source
    }

    package var isEmpty: Bool { recording == nil && restreams.isEmpty && source == nil }
}

/// A recording that is under way, or why it is not.
package struct RecordingStatus: Codable, Hashable, Sendable {
    package enum State: String, Codable, CaseIterable, Sendable {
        case recording
        /// Ended before the stream did; see `error`.
        case failed
    }

    package var state: State
    /// The file's name without its ending.
    package var name: String?
    package var bytes: Int
    package var error: String?

    package init(state: State, name: String? = nil, bytes: Int = 0, error: String? = nil) {
        self.state = state
        self.name = name
        self.bytes = bytes
        self.error = error
    }
}

/// A connection to a server outside of the cluster.
package struct LinkStatus: Codable, Hashable, Sendable {
    package enum State: String, Codable, CaseIterable, Sendable {
        case connecting
        /// Media flows.
        case active
        /// It failed and is tried again after a pause.
        case waiting
    }

    /// The restream's; empty for a source.
    package var id: String
    package var state: State
    /// Failures since media last flowed.
    package var failures: Int
    /// Of the last failure.
    package var error: String?

    package init(id: String, state: State, failures: Int = 0, error: String? = nil) {
        self.id = id
        self.state = state
        self.failures = failures
        self.error = error
    }
}

/// A restream as the stream resource shows it.
package struct RestreamResource: Codable, Hashable, Sendable {
    package enum State: String, Codable, CaseIterable, Sendable {
        /// The stream is not live.
        case idle
        case connecting
        case active
        case waiting
    }

    package var id: String
    /// Without what may be a secret.
    package var url: String
    package var state: State
    package var failures: Int
    package var error: String?

    package init(_ restream: Restream, _ status: LinkStatus?) {
        id = restream.id
        url = OutsideURL.shown(restream.url)
        state = status.map { State($0.state) } ?? .idle
        failures = status?.failures ?? 0
        error = status?.error
    }
}

/// A stream's source as the stream resource shows it.
package struct SourceResource: Codable, Hashable, Sendable {
    package var url: String
    package var mode: StreamSource.Mode
    /// The origin it is placed on.
    package var nodeId: String?
    package var state: RestreamResource.State
    package var failures: Int
    package var error: String?

    package init(_ source: StreamSource, nodeId: String?, _ status: LinkStatus?) {
        url = OutsideURL.shown(source.url)
        mode = source.mode
        self.nodeId = nodeId
        state = status.map { RestreamResource.State($0.state) } ?? .idle
        failures = status?.failures ?? 0
        error = status?.error
    }
}

extension RestreamResource.State {
    fileprivate init(_ state: LinkStatus.State) {
        self =
            switch state {
            case .connecting: .connecting
            case .active: .active
            case .waiting: .waiting
            }
    }
}
