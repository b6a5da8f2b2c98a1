package import Timebase

/// The server's side of one WebSocket connection that speaks Ant Media Server's signalling (its JavaScript SDK 2.x).
///
/// A publisher says `publish`, hears `start`, makes the offer and hears our answer; a player says `play`, hears our offer and
/// answers. One connection carries several streams, each under its name. The engine knows who may say what when; whether a
/// stream may be published or played is asked by events and answered by calls.
///
/// Contract: one mutation, then `nextOutput()` until nil, then sleep until `nextDeadline`.
package struct SignallingSession {
    package enum Output: Equatable, Sendable {
        case send(SignallingMessage)
        case event(Event)
    }

    package enum Event: Equatable, Sendable {
        /// Answer with `publishAnswered` or `refused`.
        case publishOffered(streamID: String, token: String?, sdp: String)
        /// Answer with `playOffered` or `refused`.
        case playRequested(streamID: String, token: String?)
        /// The player's answer to our offer; say `refused` when it will not do.
        case playAnswered(streamID: String, sdp: String)
        /// What runs under this name, or is being prepared, is to be ended; nothing more is said of it.
        case stopped(streamID: String)
        /// Answer with `streamInfo`.
        case infoRequested(streamID: String)
        /// Of what plays under this name; nil leaves the choice to us.
        case qualityForced(streamID: String, height: Int?)
        /// Answer with `iceServer`.
        case iceServerRequested
    }

    /// ```
    /// publish: awaitingOffer ─offer─► opening ─publishAnswered─► publishing(isOpen: false) ─opened─► publishing(isOpen: true)
    /// play:    requested ─playOffered─► awaitingAnswer ─answer─► playing(isOpen: false) ─opened─► playing(isOpen: true)
    /// ```
    private enum Part: Equatable {
        case awaitingOffer(token: String?, until: MonotonicInstant)
        case opening
        case publishing(isOpen: Bool)
        case requested
        case awaitingAnswer(until: MonotonicInstant)
        case playing(isOpen: Bool)

        var isPublish: Bool {
            switch self {
            case .awaitingOffer, .opening, .publishing: true
            case .requested, .awaitingAnswer, .playing: false
            }
        }

        var deadline: MonotonicInstant? {
            switch self {
            case .awaitingOffer(_, let until), .awaitingAnswer(let until): until
            case .opening, .publishing, .requested, .playing: nil
            }
        }
    }

    private let limits: SignallingLimits
    private var parts: [String: Part] = [:]
    private var outputs: [Output] = []

    package init(limits: SignallingLimits = SignallingLimits()) { self.limits = limits }

    // MARK: Network in

    package mutating func receive(_ text: String, at now: MonotonicInstant) {
        do throws(SignallingError) {
            try take(SignallingCommand(parsing: text), at: now)
        } catch { say(error) }
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        for (id, part) in parts.sorted(by: { $0.key < $1.key }) {
            guard let deadline = part.deadline, deadline <= now else { continue }
            remove(id)
            say(.timedOut(streamID: id, isPublish: part.isPublish))
        }
    }

    /// The connection is gone, and with it all its streams.
    package mutating func inputClosed() {
        for id in parts.keys.sorted() { remove(id) }
    }

    // MARK: Answers of the application. What comes too late, for a stream that was stopped meanwhile, changes nothing.

    package mutating func publishAnswered(_ id: String, sdp: String) {
        guard parts[id] == .opening else { return }
        parts[id] = .publishing(isOpen: false)
        send(.takeConfiguration(streamID: id, kind: .answer, sdp: sdp))
    }

    package mutating func playOffered(_ id: String, sdp: String, at now: MonotonicInstant) {
        guard parts[id] == .requested else { return }
        parts[id] = .awaitingAnswer(until: now + limits.descriptionTimeout)
        send(.takeConfiguration(streamID: id, kind: .offer, sdp: sdp))
    }

    package mutating func refused(_ id: String, definition: String, code: String? = nil, information: String) {
        guard parts.removeValue(forKey: id) != nil else { return }
        send(.error(definition: definition, streamID: id, code: code, information: information))
    }

    /// Media can flow: the peer has proved its certificate.
    package mutating func opened(_ id: String) {
        switch parts[id] {
        case .publishing(isOpen: false):
            parts[id] = .publishing(isOpen: true)
            send(.notification(.publishStarted, streamID: id))
        case .playing(isOpen: false):
            parts[id] = .playing(isOpen: true)
            send(.notification(.playStarted, streamID: id))
        case .publishing, .playing, .awaitingOffer, .opening, .requested, .awaitingAnswer, nil: break
        }
    }

    /// The session ended, by the network or by this node.
    package mutating func ended(_ id: String) {
        guard let part = parts.removeValue(forKey: id) else { return }
        send(.notification(part.isPublish ? .publishFinished : .playFinished, streamID: id))
    }

    package mutating func streamInfo(_ id: String, _ infos: [SignallingMessage.StreamInfo]) {
        if infos.isEmpty {
            send(.unknownStream(id))
        } else {
            send(.streamInformation(streamID: id, infos))
        }
    }

    package mutating func iceServer(_ server: SignallingMessage.IceServer?) { send(.iceServerConfig(server)) }

    // MARK: Out

    package mutating func nextOutput() -> Output? { outputs.isEmpty ? nil : outputs.removeFirst() }

    package var nextDeadline: MonotonicInstant? { parts.values.compactMap(\.deadline).min() }

    /// Names in use, for tests of what is left behind.
    package var streamIDs: [String] { parts.keys.sorted() }

    // MARK: Commands

    private mutating func take(_ command: SignallingCommand, at now: MonotonicInstant) throws(SignallingError) {
        switch command {
        case .publish(let id, let token):
            try begin(id, .awaitingOffer(token: token, until: now + limits.descriptionTimeout))
            send(.start(streamID: id))
        case .play(let id, let token):
            try begin(id, .requested)
            outputs.append(.event(.playRequested(streamID: id, token: token)))
        case .takeConfiguration(let id, let kind, let sdp): try take(kind, sdp, of: id)
        case .takeCandidate: break
        case .stop(let id):
            guard let part = parts[id] else { return }
            remove(id)
            send(.notification(part.isPublish ? .publishFinished : .playFinished, streamID: id))
        case .getStreamInfo(let id): outputs.append(.event(.infoRequested(streamID: id)))
        case .forceStreamQuality(let id, let height):
            // The SDK expects no answer, and what does not play has no quality.
            if case .playing? = parts[id] { outputs.append(.event(.qualityForced(streamID: id, height: height))) }
        case .getIceServerConfig: outputs.append(.event(.iceServerRequested))
        case .ping: send(.pong)
        }
    }

    private mutating func begin(_ id: String, _ part: Part) throws(SignallingError) {
        if let running = parts[id] {
            throw running.isPublish ? .alreadyPublishing(streamID: id) : .alreadyPlaying(streamID: id)
        }
        guard parts.count < limits.streamsMax else { throw .tooManyStreams(limit: limits.streamsMax, streamID: id) }
        parts[id] = part
    }

    private mutating func take(
        _ kind: SignallingCommand.DescriptionKind,
        _ sdp: String,
        of id: String
    ) throws(SignallingError) {
        switch (kind, parts[id]) {
        case (.offer, .awaitingOffer(let token, _)):
            parts[id] = .opening
            outputs.append(.event(.publishOffered(streamID: id, token: token, sdp: sdp)))
        case (.answer, .awaitingAnswer):
            parts[id] = .playing(isOpen: false)
            outputs.append(.event(.playAnswered(streamID: id, sdp: sdp)))
        default: throw .badDescription(streamID: id)
        }
    }

    private mutating func remove(_ id: String) {
        parts[id] = nil
        outputs.append(.event(.stopped(streamID: id)))
    }

    private mutating func send(_ message: SignallingMessage) { outputs.append(.send(message)) }

    private mutating func say(_ error: SignallingError) {
        send(.error(definition: error.definition, streamID: error.streamID, information: error.description))
    }
}

extension SignallingMessage {
    /// What the SDK takes as "try again later".
    package static func unknownStream(_ id: String) -> Self {
        .error(
            definition: "no_stream_exist",
            streamID: id,
            code: "404",
            information: "stream_not_exist_or_not_streaming"
        )
    }
}
