import DequeModule
package import EngineModel
import FLV
import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// The client's side of one RTMP connection, with the I/O taken out: publishes or plays one stream.
package struct RTMPClientSession: StreamEngine, ~Copyable {
    package enum Purpose: Hashable, Sendable {
        case publish
        case play
    }

    package enum Event: Equatable, Sendable {
        /// From now on `send` may be called.
        case publishStarted
        case playStarted
        case media(MediaMessage)
        /// The server asks for a new connection; this one goes on until it is finished.
        case reconnectRequested
        /// The server said that the stream is over.
        case ended
        /// `close` follows. A refusal of the server is `refusedByPeer`.
        case failed(RTMPError)
    }

    private enum State {
        case handshaking(ClientHandshake)
        case connecting
        case creatingStream
        case requesting
        case running
        case closed
    }

    private var state: State
    private var link: MessageLink
    private var handshakeInput = ByteBuffer()
    private var outputs = Deque<EngineOutput<Event>>()
    private let purpose: Purpose
    private let address: StreamAddress
    private let tcURL: String
    private let canReconnect: Bool
    private let openedAt: MonotonicInstant
    private let limits: RTMPLimits

    private static let connectTransaction: Double = 1
    private static let createStreamTransaction: Double = 4

    /// `host` is what the URL names, with the port when it is not the scheme's own. `canReconnect` announces that the
    /// application follows `reconnectRequested`.
    package init(
        _ purpose: Purpose,
        _ address: StreamAddress,
        host: String,
        canReconnect: Bool = false,
        limits: RTMPLimits = RTMPLimits(),
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) {
        let handshake = ClientHandshake(using: &random)
        state = .handshaking(handshake)
        link = MessageLink(limits: limits, at: now)
        self.purpose = purpose
        self.address = address
        tcURL = "rtmp://\(host)/\(address.app)"
        self.canReconnect = canReconnect
        openedAt = now
        self.limits = limits
        transmit(handshake.c0c1)
    }

    package mutating func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) {
        if case .closed = state { return }
        if let acknowledgement = link.count(bytes.readableBytes, at: now) { transmit(acknowledgement) }
        do {
            var bytes = bytes
            try handshake(&bytes)
            link.append(bytes)
            try readMessages()
        } catch { fail(error) }
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        guard let deadline = nextDeadline, now >= deadline else { return }
        guard case .running = state else { return fail(.setupTimeout) }
        if link.hasLostPeer(after: limits.playerSilenceMax, at: now) { return fail(.peerSilent) }
        if let ping = link.pingWhenSilent(at: now) { transmit(ping) }
    }

    package mutating func nextOutput() -> EngineOutput<Event>? { outputs.popFirst() }

    package var nextDeadline: MonotonicInstant? {
        switch state {
        case .handshaking: openedAt + limits.handshakeTimeout
        case .connecting, .creatingStream, .requesting: openedAt + limits.setupTimeout
        case .running: link.silenceDeadline(max: limits.playerSilenceMax)
        case .closed: nil
        }
    }

    /// Sends one FLV tag body as a message; the payload is not copied.
    package mutating func send(_ message: MediaMessage) {
        guard case .running = state, purpose == .publish else { return }
        let pieces = RTMPWireForm.pieces(
            message.kind,
            timestamp: message.timestamp,
            head: ByteBuffer(),
            payload: message.payload
        )
        for piece in pieces { transmit(piece) }
    }

    /// Ends the publish or play cleanly and closes.
    package mutating func finish() {
        if case .closed = state { return }
        if case .running = state {
            if purpose == .publish {
                let name = AMF0Value.string(address.name)
                transmit(Command("FCUnpublish", transactionID: 6, arguments: [name]).encoded(on: .connection))
            }
            transmit(Command("deleteStream", transactionID: 0, arguments: [1]).encoded(on: .connection))
        }
        state = .closed
        outputs.append(.close)
    }

    // MARK: Reading

    private mutating func handshake(_ bytes: inout ByteBuffer) throws(RTMPError) {
        guard case .handshaking(var handshake) = state else { return }
        handshakeInput.writeBuffer(&bytes)
        guard case .finished(let c2) = try handshake.advance(&handshakeInput) else { return }
        swap(&bytes, &handshakeInput)
        handshakeInput = ByteBuffer()
        transmit(c2)
        transmit(ProtocolControl.setChunkSize(ChunkEncoder.chunkSize))
        transmit(connect.encoded(on: .connection))
        state = .connecting
    }

    private mutating func readMessages() throws(RTMPError) {
        while true {
            if case .closed = state { return }
            var replies: [ByteBuffer] = []
            let message = try link.nextMessage { replies.append($0) }
            for reply in replies { transmit(reply) }
            guard let message else { return }
            try handle(message)
        }
    }

    private mutating func handle(_ message: RawMessage) throws(RTMPError) {
        switch MessageType(rawValue: message.type) {
        case .commandAMF0: try handle(Command(decoding: message.payload, limits: limits.amf0))
        case .commandAMF3: try handle(Command(decoding: message.payload.withoutAMF3Mark, limits: limits.amf0))
        case .audio, .video, .dataAMF0, .dataAMF3, .aggregate:
            try MediaMessage.forEach(in: message) { outputs.append(.event(.media($0))) }
        case .setChunkSize, .abort, .acknowledgement, .userControl, .windowAcknowledgementSize, .setPeerBandwidth, nil:
            return
        }
    }

    // MARK: Commands

    private mutating func handle(_ command: Command) throws(RTMPError) {
        let code = command.argument(0)?.object?["code"]?.string ?? ""
        switch command.name {
        case "_result" where command.transactionID == Self.connectTransaction: createStream()
        case "_result" where command.transactionID == Self.createStreamTransaction: request()
        case "_error" where command.transactionID == Self.connectTransaction,
            "_error" where command.transactionID == Self.createStreamTransaction:
            throw .refusedByPeer(code: code)
        case "onStatus": try status(code, level: command.argument(0)?.object?["level"]?.string)
        default: return
        }
    }

    private mutating func createStream() {
        guard case .connecting = state else { return }
        state = .creatingStream
        let name = AMF0Value.string(nameWithQuery)
        if purpose == .publish {
            transmit(Command("releaseStream", transactionID: 2, arguments: [name]).encoded(on: .connection))
            transmit(Command("FCPublish", transactionID: 3, arguments: [name]).encoded(on: .connection))
        }
        transmit(Command("createStream", transactionID: Self.createStreamTransaction).encoded(on: .connection))
    }

    private mutating func request() {
        guard case .creatingStream = state else { return }
        state = .requesting
        let name = AMF0Value.string(nameWithQuery)
        switch purpose {
        case .publish:
            transmit(Command("publish", transactionID: 5, arguments: [name, "live"]).encoded(on: .media))
        case .play:
            let liveOnly: AMF0Value = -1000
            transmit(Command("play", transactionID: 5, arguments: [name, liveOnly]).encoded(on: .media))
            transmit(UserControl.setBufferLength(.media, milliseconds: 1000).encoded())
        }
    }

    private mutating func status(_ code: String, level: String?) throws(RTMPError) {
        if level == "error" { throw .refusedByPeer(code: code) }
        switch StatusCode(rawValue: code) {
        case .publishStart: start(.publishStarted)
        case .playStart: start(.playStarted)
        case .connectReconnectRequest: outputs.append(.event(.reconnectRequested))
        case .playUnpublishNotify: outputs.append(.event(.ended))
        case .connectSuccess, .connectRejected, .failed, .playComplete, .playFailed, .playReset, .playStreamNotFound,
            .publishBadName, .publishDenied, .unpublishSuccess, nil:
            return
        }
    }

    private mutating func start(_ event: Event) {
        guard case .requesting = state else { return }
        state = .running
        outputs.append(.event(event))
    }

    private var connect: Command {
        var object: AMF0Object = ["app": .string(address.app), "tcUrl": .string(tcURL), "flashVer": "LNX 9,0,124,2"]
        if purpose == .publish {
            object.append("type", "nonprivate")
        } else {
            object.append("fpad", false)
            object.append("capabilities", 15)
        }
        object.append("fourCcList", .strictArray([.string("*")]))
        // Bit 0: a ReconnectRequest is understood.
        if canReconnect { object.append("capsEx", 1) }
        return Command("connect", transactionID: Self.connectTransaction, object: .object(object))
    }

    private var nameWithQuery: String { address.query.isEmpty ? address.name : "\(address.name)?\(address.query)" }

    private mutating func fail(_ error: RTMPError) {
        state = .closed
        outputs.append(.event(.failed(error)))
        outputs.append(.close)
    }

    private mutating func transmit(_ bytes: ByteBuffer) { outputs.append(.transmit(bytes)) }
}
