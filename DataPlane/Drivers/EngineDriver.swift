package import EngineModel
package import NIOCore
package import Timebase

/// A `StreamEngine` at work on one channel: it keeps the engine's contract, so that no connection has to.
///
/// Whoever touches the engine does so in `change` (or `receive`); afterwards every output has been performed, in order, and
/// one timer waits for the next deadline. The driver decides nothing about the protocol: bytes go to the channel, events to
/// `onEvent`, which may change the engine again. On the channel's loop only.
package final class EngineDriver<Engine: StreamEngine & ~Copyable> {
    /// A peer that does not take our last words is closed without them.
    package static var goodbyeTimeout: TimeAmount { .seconds(5) }

    private var engine: Engine
    private var timer = EngineTimer()
    private var context: ChannelHandlerContext?
    private var isClosing = false

    private var onEvent: (Engine.Event) -> Void = { _ in }
    /// Takes bytes that may not go through the channel now, since somebody writes to its socket directly; false for others.
    package var divert: ((ByteBuffer) -> Bool)?
    /// Tells the engine, before its deadline is judged, what happened past it.
    package var beforeTimeout: ((inout Engine) -> Void)?

    package init(_ engine: consuming Engine) { self.engine = engine }

    /// From `handlerAdded` on until `detach`.
    package func attach(to context: ChannelHandlerContext, onEvent: @escaping (Engine.Event) -> Void) {
        self.context = context
        self.onEvent = onEvent
    }

    /// The channel is gone. What the engine says from now on goes nowhere, but its events are still told.
    package func detach() {
        timer.cancel()
        context = nil
    }

    package func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) {
        engine.receive(bytes, at: now)
        drain()
    }

    /// `body` must not come back here; what follows from the change does, as events.
    @discardableResult
    package func change<Result>(_ body: (inout Engine) -> Result) -> Result {
        let result = body(&engine)
        drain()
        return result
    }

    /// Performs what the engine has to say.
    package func drain() {
        var hasWritten = false
        var closes = false
        while let output = engine.nextOutput() {
            switch output {
            case .transmit(let bytes):
                if divert?(bytes) == true { continue }
                context?.write(NIOAny(bytes), promise: nil)
                hasWritten = true
            case .event(let event): onEvent(event)
            case .close: closes = true
            }
        }
        if hasWritten { context?.flush() }
        if closes { closeBehindWrites() } else { armTimer() }
    }

    private func armTimer() {
        guard let context, !isClosing else { return }
        timer.arm(for: engine.nextDeadline, on: context.eventLoop) { now in
            self.beforeTimeout?(&self.engine)
            self.engine.timeoutReached(at: now)
            self.drain()
        }
    }

    private func closeBehindWrites() {
        isClosing = true
        timer.cancel()
        guard let context else { return }
        let giveUp = context.eventLoop.assumeIsolated().scheduleTask(in: Self.goodbyeTimeout) {
            context.close(promise: nil)
        }
        context.writeAndFlush(NIOAny(ByteBuffer())).assumeIsolated().whenComplete { _ in
            giveUp.cancel()
            context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension EngineDriver: Sendable where Engine: ~Copyable {}
