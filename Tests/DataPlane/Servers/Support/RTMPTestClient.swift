import EngineModel
import FLV
import MediaModel
import NIOCore
import NIOPosix
import RTMP
import Synchronization
import Timebase

/// Our own client engine on a socket: publishes or plays one stream and keeps what it was told.
final class RTMPTestClient: Sendable {
    fileprivate struct Heard {
        var events: [RTMPClientSession.Event] = []
        var isClosed = false
    }

    private let heard: HeardBox
    private let channel: any Channel
    private let handler: NIOLoopBound<ClientHandler>

    init(
        _ purpose: RTMPClientSession.Purpose,
        _ name: String,
        app: String = "live",
        query: String = "",
        port: Int,
        on group: any EventLoopGroup
    ) async throws {
        let heard = HeardBox()
        let address = StreamAddress(app: app, name: name, query: query)
        let made = Mutex<NIOLoopBound<ClientHandler>?>(nil)
        channel = try await ClientBootstrap(group: group)
            // A player that stops reading is to be noticed soon.
            .channelOption(.socketOption(.so_rcvbuf), value: 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ClientHandler(purpose, address, heard)
                    made.withLock { $0 = NIOLoopBound(handler, eventLoop: channel.eventLoop) }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        self.heard = heard
        guard let made = made.withLock({ $0 }) else { throw NeverHappened(description: "no handler") }
        handler = made
    }

    var events: [RTMPClientSession.Event] { heard.state.withLock { $0.events } }
    var isClosed: Bool { heard.state.withLock { $0.isClosed } }

    var media: [MediaMessage] {
        events.compactMap { if case .media(let message) = $0 { message } else { nil } }
    }

    var hasEnded: Bool { events.contains(.ended) }

    /// The code of the server's refusal.
    var refusal: String? {
        for case .failed(.refusedByPeer(let code)) in events { return code }
        return nil
    }

    func started() async throws {
        try await eventually("publish or play started; heard \(events)") {
            events.contains(.publishStarted) || events.contains(.playStarted)
        }
    }

    func send(_ messages: [MediaMessage]) {
        channel.eventLoop.execute { [handler] in handler.value.send(messages) }
    }

    /// Unpublishes, or stops playing, and closes.
    func finish() { channel.eventLoop.execute { [handler] in handler.value.finish() } }

    /// Ends its publish and begins another on the same connection, as librtmp's users do.
    func publishAnew(_ name: String) {
        channel.eventLoop.execute { [handler] in handler.value.publishAnew(name) }
    }

    /// Closes the socket without a word.
    func vanish() { channel.close(promise: nil) }

    /// Reads no more, so that the socket's buffers fill.
    func stopReading() async { _ = try? await channel.setOption(.autoRead, value: false).get() }
}

private final class HeardBox: Sendable {
    let state = Mutex(RTMPTestClient.Heard())
}

private final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var session: RTMPClientSession
    private let heard: HeardBox
    private var context: ChannelHandlerContext?

    init(_ purpose: RTMPClientSession.Purpose, _ address: StreamAddress, _ heard: HeardBox) {
        var random = SystemRandomNumberGenerator()
        let start = MonotonicInstant(nanoseconds: 0)
        session = RTMPClientSession(purpose, address, host: "127.0.0.1", at: start, using: &random)
        self.heard = heard
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        drain()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        session.receive(unwrapInboundIn(data), at: MonotonicInstant(nanoseconds: 0))
        drain()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        heard.state.withLock { $0.isClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func send(_ messages: [MediaMessage]) {
        for message in messages { session.send(message) }
        drain()
    }

    func finish() {
        session.finish()
        drain()
    }

    /// Past the engine, which publishes once.
    func publishAnew(_ name: String) {
        let end = Command("deleteStream", transactionID: 0, arguments: [1])
        let begin = Command("publish", transactionID: 0, arguments: [.string(name), "live"])
        context?.write(wrapOutboundOut(end.encoded(on: .connection)), promise: nil)
        context?.write(wrapOutboundOut(begin.encoded(on: .media)), promise: nil)
        context?.flush()
    }

    private func drain() {
        while let output = session.nextOutput() {
            switch output {
            case .transmit(let bytes): context?.write(wrapOutboundOut(bytes), promise: nil)
            case .event(let event): heard.state.withLock { $0.events.append(event) }
            case .close:
                context?.flush()
                context?.close(promise: nil)
            }
        }
        context?.flush()
    }
}

@available(*, unavailable)
extension ClientHandler: Sendable {}
