import DequeModule
package import EngineModel
import FLV
import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// The server's side of one RTMP connection, with the I/O taken out: one publish after the other, or one play.
///
/// Spec: Adobe's RTMP 1.0 (2012), AMF0 (2007), Enhanced RTMP v2 (Veovera); § means RTMP 1.0 unless said otherwise.
///
/// Beside the contract of `StreamEngine`: answer `publishRequested` and `playRequested` with the accept or refuse method of
/// the same kind. Until then nothing further is read from the peer, so nothing it sends early is lost or out of order. Each
/// `transmit` is whole messages; media for a player is written beside the engine, in `RTMPWireForm`, between them. Call
/// `inputClosed` when the peer is gone.
package struct RTMPServerSession: StreamEngine, ~Copyable {
    package enum Event: Equatable, Sendable {
        case publishRequested(RequestID, StreamAddress, PeerCapabilities)
        case playRequested(RequestID, StreamAddress, PeerCapabilities)
        case media(MediaMessage)
        /// `clean`: the peer said that it is done. Otherwise it vanished or erred and may come back.
        case publishEnded(clean: Bool)
        case playEnded
        /// What the peer did wrong. Follows the end of the publish or play it broke; `close` follows.
        case failed(RTMPError)
    }

    private var state: RTMPServerState
    private var link: MessageLink
    private var handshakeInput = ByteBuffer()
    private var outputs = Deque<EngineOutput<Event>>()
    private var peer = PeerCapabilities()
    private var commandCount = 0
    /// When the publisher said the end.
    private var finishedAt: MonotonicInstant?
    private var requestCount: UInt32 = 0
    private let openedAt: MonotonicInstant
    private let limits: RTMPLimits

    package init(
        limits: RTMPLimits = RTMPLimits(),
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) {
        state = .handshaking(ServerHandshake(using: &random))
        link = MessageLink(limits: limits, at: now)
        openedAt = now
        self.limits = limits
    }

    // MARK: Network

    package mutating func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) {
        guard !state.isClosed else { return }
        if let acknowledgement = link.count(bytes.readableBytes, at: now) { transmit(acknowledgement) }
        do {
            var bytes = bytes
            try handshake(&bytes)
            link.append(bytes)
            try readMessages()
        } catch { fail(error) }
    }

    /// The peer closed, or the connection broke.
    package mutating func inputClosed(at now: MonotonicInstant) { end(clean: false) }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        guard let deadline = nextDeadline, now >= deadline else { return }
        guard let silence = silenceMax else { return fail(.setupTimeout) }
        if link.hasLostPeer(after: silence, at: now) { return fail(.peerSilent) }
        if let ping = link.pingWhenSilent(at: now) { transmit(ping) }
    }

    package mutating func nextOutput() -> EngineOutput<Event>? { outputs.popFirst() }

    package var nextDeadline: MonotonicInstant? {
        switch state {
        case .handshaking: openedAt + limits.handshakeTimeout
        case .connecting: openedAt + limits.setupTimeout
        case .connected: openedAt + limits.setupTimeout
        case .requested: nil
        case .publishing: link.silenceDeadline(max: limits.publisherSilenceMax)
        case .playing: link.silenceDeadline(max: limits.playerSilenceMax)
        case .finished: link.silenceDeadline(max: limits.publisherSilenceMax)
        case .closed: nil
        }
    }

    // MARK: The application's answers

    package mutating func acceptPublish(_ id: RequestID) {
        guard state.decided(id, .publish, accepted: true) else { return }
        transmit(UserControl.streamBegin(.media).encoded())
        transmit(Command.onStatus(.publishStart, "publishing").encoded(on: .media))
        readOn()
    }

    /// `code` is `publishBadName`, `publishDenied` or `failed`; the connection closes behind it.
    package mutating func refusePublish(_ id: RequestID, _ code: StatusCode, _ description: String) {
        guard state.decided(id, .publish, accepted: false) else { return }
        transmit(Command.onStatus(code, description).encoded(on: .media))
        outputs.append(.close)
    }

    /// After this the application writes `RTMPWireForm.headers` and media.
    package mutating func acceptPlay(_ id: RequestID) {
        guard state.decided(id, .play, accepted: true) else { return }
        transmit(UserControl.streamBegin(.media).encoded())
        transmit(Command.onStatus(.playReset, "playing and resetting").encoded(on: .media))
        transmit(Command.onStatus(.playStart, "playing").encoded(on: .media))
        readOn()
    }

    /// `code` is `playStreamNotFound`, `playFailed` or `failed`; the connection closes behind it.
    package mutating func refusePlay(_ id: RequestID, _ code: StatusCode, _ description: String) {
        guard state.decided(id, .play, accepted: false) else { return }
        transmit(Command.onStatus(code, description).encoded(on: .media))
        outputs.append(.close)
    }

    /// The stream that is being played is over. The player decides when to close.
    package mutating func endPlay() {
        guard state.finish() == .play else { return }
        transmit(UserControl.streamEOF(.media).encoded())
        transmit(Command.onStatus(.playUnpublishNotify, "the stream has ended").encoded(on: .media))
        transmit(Command.onStatus(.playComplete, "the stream has ended").encoded(on: .media))
    }

    /// Asks a peer that announced it can to connect anew, here or where the load balancer sends it; false when it cannot. The
    /// session goes on until the peer leaves.
    package mutating func requestReconnect(_ description: String) -> Bool {
        guard peer.supportsReconnect, state.isRunning else { return false }
        transmit(Command.onStatus(.connectReconnectRequest, description).encoded(on: .connection))
        return true
    }

    /// Ends a running publish or play from our side, saying why, and closes.
    package mutating func close(_ code: StatusCode, _ description: String) {
        guard !state.isClosed else { return }
        transmit(Command.onStatus(code, description).encoded(on: .media))
        end(clean: false)
        outputs.append(.close)
    }

    // MARK: Reading

    private mutating func handshake(_ bytes: inout ByteBuffer) throws(RTMPError) {
        guard case .handshaking(var handshake) = state else { return }
        if handshakeInput.readableBytes == 0 {
            swap(&handshakeInput, &bytes)
        } else {
            handshakeInput.writeBuffer(&bytes)
        }
        while true {
            switch try handshake.advance(&handshakeInput) {
            case .waiting:
                state = .handshaking(handshake)
                return
            case .answer(let answer): transmit(answer)
            case .finished:
                state.handshakeFinished()
                swap(&bytes, &handshakeInput)
                handshakeInput = ByteBuffer()
                return
            }
        }
    }

    /// Goes on with what arrived while the application was deciding.
    private mutating func readOn() {
        do { try readMessages() } catch { fail(error) }
    }

    private mutating func readMessages() throws(RTMPError) {
        while !state.isAwaitingDecision, !state.isClosed {
            var replies: [ByteBuffer] = []
            let message = try link.nextMessage { replies.append($0) }
            for reply in replies { transmit(reply) }
            guard let message else { return }
            try handle(message)
        }
        if link.unreadBytes > limits.bytesBeforeDecisionMax {
            throw .tooManyBytesBeforeDecision(limit: limits.bytesBeforeDecisionMax)
        }
    }

    private mutating func handle(_ message: RawMessage) throws(RTMPError) {
        switch MessageType(rawValue: message.type) {
        case .commandAMF0: try handle(Command(decoding: message.payload, limits: limits.amf0))
        case .commandAMF3: try handle(Command(decoding: message.payload.withoutAMF3Mark, limits: limits.amf0))
        case .audio, .video, .dataAMF0, .dataAMF3, .aggregate: try deliver(message)
        case .setChunkSize, .abort, .acknowledgement, .userControl, .windowAcknowledgementSize, .setPeerBandwidth, nil:
            return
        }
    }

    private mutating func deliver(_ message: RawMessage) throws(RTMPError) {
        switch state {
        case .publishing:
            try MediaMessage.forEach(in: message) { outputs.append(.event(.media($0))) }
        case .finished:
            // What was under way when the end was said, but not for ever.
            if let finishedAt, link.lastHeard - finishedAt > limits.mediaAfterEndMax { throw .mediaOutsidePublish }
        case .handshaking, .connecting, .connected, .requested, .playing, .closed: throw .mediaOutsidePublish
        }
    }

    // MARK: Commands

    private mutating func handle(_ command: Command) throws(RTMPError) {
        commandCount += 1
        guard commandCount <= limits.commandCountMax else { throw .tooManyCommands(limit: limits.commandCountMax) }
        switch command.name {
        case "connect": try connect(command)
        case "createStream": answer(command, .number(Double(MessageStreamID.media.value)))
        case "publish": try request(.publish, command)
        case "play": try request(.play, command)
        case "FCUnpublish", "deleteStream", "closeStream":
            if command.name == "FCUnpublish" { answer(command) }
            finish()
        case "getStreamLength": answer(command, 0)
        case "releaseStream", "FCPublish", "FCSubscribe", "_checkbw": answer(command)
        // Live media does not pause or seek, and clients live well without an answer, as they do for commands of other
        // servers that we do not know.
        default: return
        }
    }

    private mutating func connect(_ command: Command) throws(RTMPError) {
        // The chunk size first: already a rejection is longer than the 128 bytes of a chunk until then.
        transmit(ProtocolControl.windowAcknowledgementSize(MessageLink.windowBytes))
        transmit(ProtocolControl.setPeerBandwidth(MessageLink.windowBytes))
        transmit(ProtocolControl.setChunkSize(ChunkEncoder.chunkSize))
        let object = command.object.object ?? AMF0Object()
        let application: ApplicationName
        do {
            application = try ApplicationName(
                app: object["app"]?.string ?? "",
                tcURL: object["tcUrl"]?.string ?? ""
            )
        } catch {
            let information = StatusCode.connectRejected.information(error.description)
            let rejection = Command("_error", transactionID: command.transactionID, arguments: [.object(information)])
            transmit(rejection.encoded(on: .connection))
            throw error
        }
        try state.connected(to: application)
        peer = PeerCapabilities(connect: object)
        var information = StatusCode.connectSuccess.information("connected")
        information.append("objectEncoding", 0)
        // What flash-era clients look at to know a media server of version 3 or later.
        var properties: AMF0Object = ["fmsVer": "FMS/3,5,7,7009", "capabilities": 31, "mode": 1]
        properties.properties += PeerCapabilities.ours.properties
        let result = Command.result(command.transactionID, object: .object(properties), .object(information))
        transmit(result.encoded(on: .connection))
    }

    private mutating func request(_ kind: RTMPServerState.Request.Kind, _ command: Command) throws(RTMPError) {
        let application = try state.applicationForRequest(named: command.name)
        let address: StreamAddress
        do {
            address = try application.stream(named: command.argument(0)?.string ?? "")
        } catch {
            let code: StatusCode = kind == .publish ? .publishBadName : .playStreamNotFound
            transmit(Command.onStatus(code, error.description).encoded(on: .media))
            throw error
        }
        requestCount += 1
        let id = RequestID(requestCount)
        state.requested(RTMPServerState.Request(id: id, kind: kind, application: application))
        switch kind {
        case .publish: outputs.append(.event(.publishRequested(id, address, peer)))
        case .play: outputs.append(.event(.playRequested(id, address, peer)))
        }
    }

    private mutating func answer(_ command: Command, _ value: AMF0Value = .undefined) {
        guard command.transactionID != 0 else { return }
        transmit(Command.result(command.transactionID, value).encoded(on: .connection))
    }

    // MARK: Ends

    private mutating func finish() {
        switch state.finish() {
        case .none: return
        case .publish:
            transmit(Command.onStatus(.unpublishSuccess, "the publish has ended").encoded(on: .media))
            outputs.append(.event(.publishEnded(clean: true)))
            finishedAt = link.lastHeard
        case .play: outputs.append(.event(.playEnded))
        }
    }

    private mutating func end(clean: Bool) {
        switch state.close() {
        case .none: return
        case .publish: outputs.append(.event(.publishEnded(clean: clean)))
        case .play: outputs.append(.event(.playEnded))
        }
    }

    private mutating func fail(_ error: RTMPError) {
        guard !state.isClosed else { return }
        end(clean: false)
        outputs.append(.event(.failed(error)))
        outputs.append(.close)
    }

    /// How long the peer may be silent; nil before publish or play, when the set-up has its own deadline.
    private var silenceMax: Duration? {
        switch state {
        case .publishing: limits.publisherSilenceMax
        case .playing: limits.playerSilenceMax
        case .finished: limits.publisherSilenceMax
        case .handshaking, .connecting, .connected, .requested, .closed: nil
        }
    }

    private mutating func transmit(_ bytes: ByteBuffer) { outputs.append(.transmit(bytes)) }
}
