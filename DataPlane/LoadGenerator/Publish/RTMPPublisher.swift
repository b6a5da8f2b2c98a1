import EngineModel
import MediaModel
import NIOCore
import RTMP
import Timebase

/// Publishes a clip by RTMP: its tags as they are.
final class RTMPPublisher: Publisher {
    let connection: Connection
    private var session: RTMPClientSession
    private var clock: ClipClock

    init(_ clock: ClipClock, to target: PlayTarget, address: SocketAddress, at now: MonotonicInstant) throws {
        self.clock = clock
        connection = try Connection(to: address)
        var random = SystemRandomNumberGenerator()
        let stream = StreamAddress(app: target.app, name: target.name, query: target.query)
        session = RTMPClientSession(.publish, stream, host: target.authority, at: now, using: &random)
        try drain(at: now)
    }

    var nextSend: MonotonicInstant? { clock.nextDue }
    var isFinished: Bool { clock.isOver && !connection.owesBytes }
    var bodyBytes: Int64 { clock.bodyBytes }

    func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) throws {
        session.receive(bytes, at: now)
        try drain(at: now)
    }

    func checkTime(at now: MonotonicInstant) throws {
        session.timeoutReached(at: now)
        try drain(at: now)
    }

    func sendDue(at now: MonotonicInstant) throws {
        while let (tag, timestamp) = clock.next(at: now) {
            session.send(MediaMessage(kind: tag.kind, timestamp: timestamp, payload: tag.body))
        }
        try drain(at: now)
        try connection.flush()
    }

    func finish(at now: MonotonicInstant) {
        session.finish()
        try? drain(at: now)
        try? connection.flush()
    }

    private func drain(at now: MonotonicInstant) throws {
        while let output = session.nextOutput() {
            switch output {
            case .transmit(let bytes): try connection.enqueue(bytes)
            case .event(.publishStarted): clock.begin(at: now)
            case .event(.failed(let error)): throw ViewerFailure.refused(error.description)
            case .event(.playStarted), .event(.media), .event(.ended), .event(.reconnectRequested), .close: continue
            }
        }
    }
}
