import DequeModule
package import EngineModel
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// The parent's side of one pull, with the I/O taken out.
///
///     awaitingHello ──hello──► requested ──accept──► serving ──end, bye──► closed
///           └── deadline ─────────┴── refuse ────────────────────────────────►
///
/// Media is written beside the engine, in `RelayWireForm`, between two of its transmits and after the accept. Slices of
/// objects are for the time between media: the driver takes one with `nextObjectSlice` when all media has been sent.
package struct RelayParentSession: StreamEngine, ~Copyable {
    package enum Event: Hashable, Sendable {
        /// Answer with `accept` or `refuse`.
        case pullRequested(RelayHello)
        case objectInterest(Bool)
        case keyframeRequested
        /// Answer with `send(object:)` or `objectMissing`.
        case objectRequested(id: UInt32, name: String)
        /// The child left, in order or not. Nothing follows.
        case childLeft
        case failed(RelayError)
    }

    private enum State {
        case awaitingHello
        case requested
        case serving
        case closed
    }

    private struct OwedObject {
        var id: UInt32
        var pieces: Deque<ByteBuffer>
    }

    private var state = State.awaitingHello
    private var reader = RelayFrameReader()
    private var outputs = Deque<EngineOutput<Event>>()
    private var openRequests: Set<UInt32> = []
    private var objects = Deque<OwedObject>()
    private var owedObjectBytes = 0
    private var lastHeard: MonotonicInstant
    private var nextKeepAlive: MonotonicInstant
    private let openedAt: MonotonicInstant
    private let limits: RelayLimits

    package init(limits: RelayLimits = RelayLimits(), at now: MonotonicInstant) {
        self.limits = limits
        openedAt = now
        lastHeard = now
        nextKeepAlive = now + limits.parentKeepAlive
    }

    // MARK: Network

    package mutating func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) {
        guard state != .closed else { return }
        lastHeard = now
        if state == .awaitingHello, reader.isEmpty, bytes.readableBytesView.first == RelayHello.tlsFirstByte {
            return fail(.tlsOnPlainPort)
        }
        reader.append(bytes)
        do throws(RelayError) {
            while state != .closed {
                let bytesMax = state == .awaitingHello ? limits.helloBytesMax : limits.childFrameBytesMax
                guard let frame = try reader.next(bytesMax: bytesMax, limits: limits) else { return }
                try handle(frame)
            }
        } catch { fail(error) }
    }

    package mutating func inputClosed(at now: MonotonicInstant) { leave() }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        switch state {
        case .awaitingHello: if now >= openedAt + limits.helloTimeout { fail(.helloTimeout) }
        case .requested, .serving:
            if now >= lastHeard + limits.childSilenceMax { return fail(.peerSilent) }
            if now >= nextKeepAlive {
                nextKeepAlive = now + limits.parentKeepAlive
                transmit(.keepAlive)
            }
        case .closed: break
        }
    }

    package mutating func nextOutput() -> EngineOutput<Event>? { outputs.popFirst() }

    package var nextDeadline: MonotonicInstant? {
        switch state {
        case .awaitingHello: openedAt + limits.helloTimeout
        case .requested, .serving: min(nextKeepAlive, lastHeard + limits.childSilenceMax)
        case .closed: nil
        }
    }

    // MARK: The application's answers

    /// Media follows, beside the engine.
    package mutating func accept(_ accept: RelayAccept) {
        guard state == .requested else { return }
        state = .serving
        transmit(.accept(accept))
    }

    package mutating func refuse(_ refusal: RelayRefusal) {
        guard state == .requested else { return }
        var refusal = refusal
        while refusal.detail.utf8.count > limits.detailBytesMax { refusal.detail.removeLast() }
        transmit(.refuse(refusal))
        close()
    }

    package mutating func report(_ streamState: RelayState) {
        if state == .serving { transmit(.state(streamState)) }
    }

    /// The object goes out by `nextObjectSlice`, behind those before it. A child that reads too slowly for what it asks for
    /// is told that the object is missing.
    package mutating func send(object bytes: [ByteBuffer], id: UInt32) {
        guard state == .serving, openRequests.contains(id), !objects.contains(where: { $0.id == id }) else { return }
        let byteCount = bytes.reduce(0) { $0 + $1.readableBytes }
        guard owedObjectBytes + byteCount <= limits.openObjectsBytesMax else { return objectMissing(id: id) }
        owedObjectBytes += byteCount
        objects.append(OwedObject(id: id, pieces: Deque(bytes.filter { $0.readableBytes > 0 })))
    }

    /// The next slice of an object as a whole frame; nil when none is owed.
    package mutating func nextObjectSlice() -> ByteBuffer? {
        guard state == .serving, var object = objects.popFirst() else { return nil }
        let slice = object.pieces.popPrefix(bytesMax: limits.objectSliceBytes)
        owedObjectBytes -= slice.readableBytes
        let isLast = object.pieces.isEmpty
        if isLast { openRequests.remove(object.id) } else { objects.prepend(object) }
        return RelayFrame.objectData(id: object.id, isLast: isLast, bytes: slice).encoded
    }

    package mutating func objectMissing(id: UInt32) {
        guard state == .serving, !objects.contains(where: { $0.id == id }), openRequests.remove(id) != nil else {
            return
        }
        transmit(.objectMissing(id: id))
    }

    /// Bytes of any kind left for the child at that time: no keep-alive is needed for a while.
    package mutating func sent(at time: MonotonicInstant) {
        nextKeepAlive = max(nextKeepAlive, time + limits.parentKeepAlive)
    }

    /// The stream, or this node's part in it, is over.
    package mutating func end(_ reason: EndReason) {
        guard state == .serving else { return }
        transmit(.end(reason))
        close()
    }

    // MARK: Reading

    private mutating func handle(_ frame: RelayFrame) throws(RelayError) {
        switch (frame, state) {
        case (.hello(let hello), .awaitingHello): greet(hello)
        // Whoever asks before a hello wants to know that somebody is here: see `RelayPing`.
        case (.keepAlive, .awaitingHello): transmit(.keepAlive)
        case (.keepAlive, .requested), (.keepAlive, .serving): break
        case (.bye, .requested), (.bye, .serving):
            leave()
            outputs.append(.close)
        case (.objectInterest(let isOn), .serving): outputs.append(.event(.objectInterest(isOn)))
        case (.keyframeRequest, .serving): outputs.append(.event(.keyframeRequested))
        case (.objectRequest(let id, let name), .serving):
            guard openRequests.count < limits.objectRequestsMax, openRequests.insert(id).inserted else {
                throw .tooManyObjectRequests(limit: limits.objectRequestsMax)
            }
            outputs.append(.event(.objectRequested(id: id, name: name)))
        default: throw .unexpectedFrame(type: frame.kind.rawValue)
        }
    }

    private mutating func greet(_ hello: RelayHello) {
        state = .requested
        guard hello.protocolVersion == RelayHello.protocolVersion else {
            let detail = "relay version \(hello.protocolVersion) is not spoken here, only \(RelayHello.protocolVersion)"
            return refuse(RelayRefusal(.unsupportedVersion, detail))
        }
        outputs.append(.event(.pullRequested(hello)))
    }

    private mutating func leave() {
        guard state != .closed else { return }
        let wasAsked = state != .awaitingHello
        state = .closed
        if wasAsked { outputs.append(.event(.childLeft)) }
    }

    private mutating func fail(_ error: RelayError) {
        leave()
        outputs.append(.event(.failed(error)))
        outputs.append(.close)
    }

    private mutating func close() {
        state = .closed
        outputs.append(.close)
    }

    private mutating func transmit(_ frame: RelayFrame) { outputs.append(.transmit(frame.encoded)) }
}

extension Deque<ByteBuffer> {
    /// Takes bytes off the front; buffers are joined by copying, one slice at a time.
    fileprivate mutating func popPrefix(bytesMax: Int) -> ByteBuffer {
        var taken = ByteBuffer()
        while var piece = popFirst() {
            guard let part = piece.readSlice(length: Swift.min(piece.readableBytes, bytesMax - taken.readableBytes))
            else { break }
            taken.writeImmutableBuffer(part)
            if piece.readableBytes > 0 { prepend(piece) }
            if taken.readableBytes == bytesMax { break }
        }
        return taken
    }
}
