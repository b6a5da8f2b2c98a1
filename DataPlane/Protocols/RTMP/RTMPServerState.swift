/// Where a server session is in its life. Each case holds only what exists in that state.
///
///     handshaking → connecting → connected → requested → publishing → finished
///                                                │      → playing    → finished
///                                                └ refused ──────────→ closed
///
/// `finished` is the peace after a clean end, when the peer closes, or a publisher asks anew; every fault leads to `closed`.
enum RTMPServerState {
    case handshaking(ServerHandshake)
    case connecting
    case connected(ApplicationName)
    case requested(Request)
    case publishing(ApplicationName)
    case playing
    /// With the application for another request; nil after a play, whose viewer the connection was handed to.
    case finished(ApplicationName?)
    case closed

    struct Request: Equatable {
        enum Kind: Equatable {
            case publish
            case play
        }

        var id: RequestID
        var kind: Kind
        var application: ApplicationName
    }

    /// The end that the application must hear of when the session stops here.
    enum OpenEnd: Equatable {
        case none
        case publish
        case play
    }

    mutating func handshakeFinished() {
        guard case .handshaking = self else { return }
        self = .connecting
    }

    mutating func connected(to application: ApplicationName) throws(RTMPError) {
        guard case .connecting = self else { throw .unexpectedCommand("connect") }
        self = .connected(application)
    }

    /// The application that a publish or play is for, while one may be asked for.
    func applicationForRequest(named command: String) throws(RTMPError) -> ApplicationName {
        switch self {
        case .connected(let application), .finished(let application?): return application
        case .handshaking, .connecting: throw .unexpectedCommand(command)
        case .requested, .publishing, .playing, .finished, .closed: throw .secondRequest
        }
    }

    mutating func requested(_ request: Request) { self = .requested(request) }

    /// True when `id` is the open request; then it is answered and the session goes on or ends.
    mutating func decided(_ id: RequestID, _ kind: Request.Kind, accepted: Bool) -> Bool {
        guard case .requested(let request) = self, request.id == id, request.kind == kind else { return false }
        if accepted {
            self = kind == .publish ? .publishing(request.application) : .playing
        } else {
            self = .closed
        }
        return true
    }

    /// Leaves publishing or playing for `finished`; what was left.
    mutating func finish() -> OpenEnd {
        let end = openEnd
        switch self {
        case .publishing(let application): self = .finished(application)
        case .playing: self = .finished(nil)
        case .handshaking, .connecting, .connected, .requested, .finished, .closed: return .none
        }
        return end
    }

    /// Closes for good; what was left open.
    mutating func close() -> OpenEnd {
        let end = openEnd
        self = .closed
        return end
    }

    var isClosed: Bool {
        switch self {
        case .closed: true
        case .handshaking, .connecting, .connected, .requested, .publishing, .playing, .finished: false
        }
    }

    var isAwaitingDecision: Bool {
        switch self {
        case .requested: true
        case .handshaking, .connecting, .connected, .publishing, .playing, .finished, .closed: false
        }
    }

    var isRunning: Bool { openEnd != .none }

    private var openEnd: OpenEnd {
        switch self {
        case .publishing: .publish
        case .playing: .play
        case .handshaking, .connecting, .connected, .requested, .finished, .closed: .none
        }
    }
}

/// Names a publish or play that waits for the application's answer.
package struct RequestID: Hashable, Sendable {
    package var value: UInt32

    package init(_ value: UInt32) { self.value = value }
}
