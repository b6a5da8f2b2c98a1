import EngineModel
import NIOCore
import RTMP
import Timebase

/// Plays one stream over RTMP: the client engine up to the start of play, a walker beside it from the first chunk on.
final class RTMPViewer: Viewer {
    private enum MessageTypeID {
        static let userControl: UInt8 = 4
        static let windowAcknowledgementSize: UInt8 = 5
    }

    /// S0, S1 and S2 go before the first chunk.
    private static let handshakeBytes = 1 + 1536 + 1536

    private let target: PlayTarget
    private let meter: PlayMeter
    private var session: RTMPClientSession?
    private var handshakeLeft = handshakeBytes
    private var walker = ChunkWalker()
    private var check: MediaCheck
    private var window: UInt32 = 2_500_000
    private var received: UInt32 = 0
    private var acknowledged: UInt32 = 0

    init(_ target: PlayTarget, meter: PlayMeter, openedAt now: MonotonicInstant) {
        self.target = target
        self.meter = meter
        check = MediaCheck(openedAt: now)
    }

    var hasFirstFrame: Bool { check.hasKeyframe }
    var stamps: (first: SendStamp, last: SendStamp)? { check.stampSpan }
    func windowBegins(at now: MonotonicInstant) { check.windowBegins(at: now) }
    func windowEnds(at now: MonotonicInstant) { check.windowEnds(at: now, meter) }

    func begin(on connection: Connection, at now: MonotonicInstant) throws {
        var random = SystemRandomNumberGenerator()
        let address = StreamAddress(app: target.app, name: target.name, query: target.query)
        session = RTMPClientSession(.play, address, host: target.authority, at: now, using: &random)
        try drainSession(into: connection)
    }

    func receive(_ bytes: borrowing Span<UInt8>, on connection: Connection, at now: MonotonicInstant) throws {
        if session != nil {
            session?.receive(bytes.withUnsafeBytes { ByteBuffer(bytes: $0) }, at: now)
            try drainSession(into: connection)
        } else {
            try acknowledge(bytes.count, on: connection)
        }
        var position = min(handshakeLeft, bytes.count)
        handshakeLeft -= position
        while let message = try walker.next(in: bytes, at: &position) { try take(message, on: connection, at: now) }
    }

    private func take(_ message: MessageHead, on connection: Connection, at now: MonotonicInstant) throws {
        switch message.type {
        case MessageTypeID.windowAcknowledgementSize: window = max(1024, message.integer(at: 0) ?? window)
        case MessageTypeID.userControl:
            guard session == nil, let pong = RTMPReply.pong(to: message) else { return }
            try connection.enqueue(pong)
        default: check.receive(message, at: now, meter)
        }
    }

    private func acknowledge(_ count: Int, on connection: Connection) throws {
        received &+= UInt32(truncatingIfNeeded: count)
        guard received &- acknowledged >= window else { return }
        acknowledged = received
        try connection.enqueue(RTMPReply.acknowledgement(received))
    }

    private func drainSession(into connection: Connection) throws {
        var hasStarted = false
        while let output = session?.nextOutput() {
            switch output {
            case .transmit(let bytes): try connection.enqueue(bytes)
            case .event(.playStarted): hasStarted = true
            case .event(.failed(let error)): throw ViewerFailure.refused(error.description)
            case .event(.ended), .close: throw ViewerFailure.closedByServer
            case .event(.media), .event(.publishStarted), .event(.reconnectRequested): continue
            }
        }
        // The engine keeps whole messages; from here on headers are enough.
        if hasStarted { session = nil }
    }
}

/// The two things a player must still say once it plays (RTMP 1.0 §5.4.3, §7.1.7).
enum RTMPReply {
    static func acknowledgement(_ received: UInt32) -> ByteBuffer {
        var bytes = ByteBuffer(bytes: [0x02, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0])
        bytes.writeInteger(received)
        return bytes
    }

    /// Nil when the message is not a ping.
    static func pong(to message: MessageHead) -> ByteBuffer? {
        let (pingRequest, pingResponse): (UInt8, UInt8) = (6, 7)
        guard message.byte(at: 0) == 0, message.byte(at: 1) == pingRequest, let time = message.integer(at: 2) else {
            return nil
        }
        var bytes = ByteBuffer(bytes: [0x02, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, pingResponse])
        bytes.writeInteger(time)
        return bytes
    }
}
