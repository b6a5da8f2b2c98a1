import Drivers
import EngineModel
import NIOCore
import NIOEmbedded
import Testing
import Timebase

struct EngineDriverTests {
    @Test func `outputs are performed in order, also those that an event's handler causes`() throws {
        let rig = try Rig()
        rig.handler.onEvent = { [driver = rig.handler.driver] event in
            if event == "greeted" { driver.change { $0.say("welcome") } }
        }
        rig.handler.driver.change { engine in
            engine.say("hello")
            engine.tell("greeted")
            engine.say("how are you")
        }
        #expect(try rig.sent() == ["hello", "how are you", "welcome"])
        #expect(rig.handler.events == ["greeted"])
    }

    @Test func `bytes that came are drained at once, and the timer waits for the engine's deadline`() throws {
        let rig = try Rig()
        let now = rig.channel.embeddedEventLoop.instant
        rig.handler.driver.change { $0.nextDeadline = now + .seconds(3) }
        try rig.channel.writeInbound(ByteBuffer(string: "echo"))
        #expect(try rig.sent() == ["echo"])
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(try rig.sent() == [])
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try rig.sent() == ["late"])
    }

    @Test func `what happened past the engine is told before its deadline is judged`() throws {
        let rig = try Rig()
        let now = rig.channel.embeddedEventLoop.instant
        rig.handler.driver.beforeTimeout = { $0.nextDeadline = now + .seconds(9) }
        rig.handler.driver.change { $0.nextDeadline = now + .seconds(3) }
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(8))
        #expect(try rig.sent() == [])
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try rig.sent() == ["late"])
    }

    @Test func `diverted bytes do not reach the channel`() throws {
        let rig = try Rig()
        var diverted: [String] = []
        rig.handler.driver.divert = { bytes in
            guard bytes.readableBytes > 2 else { return false }
            diverted.append(String(buffer: bytes))
            return true
        }
        rig.handler.driver.change { engine in
            engine.say("media")
            engine.say("ok")
        }
        #expect(diverted == ["media"])
        #expect(try rig.sent() == ["ok"])
    }

    @Test func `the channel closes behind the last words`() throws {
        let rig = try Rig()
        rig.handler.driver.change { engine in
            engine.say("goodbye")
            engine.close()
            engine.nextDeadline = rig.channel.embeddedEventLoop.instant + .seconds(1)
        }
        #expect(try rig.sent() == ["goodbye", ""])
        rig.channel.embeddedEventLoop.run()
        #expect(!rig.channel.isActive)
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(rig.handler.events == [], "no timer outlives the close")
    }

    @Test func `a peer that does not take the last words is closed without them`() throws {
        let rig = try Rig(stallsWrites: true)
        rig.handler.driver.change { $0.close() }
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(rig.channel.isActive)
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!rig.channel.isActive)
    }

    @Test func `a channel that is gone is not written to, and its engine's timer ends`() throws {
        let rig = try Rig()
        rig.handler.driver.change { $0.nextDeadline = rig.channel.embeddedEventLoop.instant + .seconds(1) }
        rig.handler.driver.detach()
        rig.handler.driver.change { engine in
            engine.say("anybody there?")
            engine.tell("left")
        }
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(try rig.sent() == [])
        #expect(rig.handler.events == ["left"])
    }
}

/// Says what it hears, and "late" at its deadline.
private struct Echo: StreamEngine {
    var nextDeadline: MonotonicInstant?
    private var outputs: [EngineOutput<String>] = []

    mutating func say(_ words: String) { outputs.append(.transmit(ByteBuffer(string: words))) }
    mutating func tell(_ event: String) { outputs.append(.event(event)) }
    mutating func close() { outputs.append(.close) }
    mutating func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) { outputs.append(.transmit(bytes)) }

    mutating func timeoutReached(at now: MonotonicInstant) {
        guard let due = nextDeadline, due <= now else { return }
        nextDeadline = nil
        say("late")
    }

    mutating func nextOutput() -> EngineOutput<String>? { outputs.isEmpty ? nil : outputs.removeFirst() }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let driver = EngineDriver(Echo())
    var events: [String] = []
    var onEvent: (String) -> Void = { _ in }

    func handlerAdded(context: ChannelHandlerContext) {
        driver.attach(to: context) { [unowned self] event in
            events.append(event)
            onEvent(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        driver.receive(unwrapInboundIn(data), at: context.eventLoop.instant)
    }
}

@available(*, unavailable)
extension EchoHandler: Sendable {}

/// Keeps every write for ever.
private final class StalledWrites: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private var promises: [EventLoopPromise<Void>?] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        promises.append(promise)
    }
    func handlerRemoved(context: ChannelHandlerContext) {
        for promise in promises { promise?.fail(ChannelError.ioOnClosedChannel) }
    }
}

@available(*, unavailable)
extension StalledWrites: Sendable {}

private struct Rig {
    let channel = EmbeddedChannel()
    let handler = EchoHandler()

    init(stallsWrites: Bool = false) throws {
        if stallsWrites { try channel.pipeline.syncOperations.addHandler(StalledWrites()) }
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    }

    /// What was written since the last time.
    func sent() throws -> [String] {
        var words: [String] = []
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { words.append(String(buffer: bytes)) }
        return words
    }
}
