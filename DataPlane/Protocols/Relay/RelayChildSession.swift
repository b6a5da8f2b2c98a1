import DequeModule
package import EngineModel
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// The child's side of one pull, with the I/O taken out.
///
///     greeting ──accept──► receiving ──end──► closed
///        └── refuse, deadline ──┴── silence ───►
package struct RelayChildSession: StreamEngine, ~Copyable {
    package enum Event: Hashable, Sendable {
        case accepted(RelayAccept)
        case refused(RelayRefusal)
        case item(StreamItem)
        case state(RelayState)
        /// The parent has another parent now; the nodes from the owner to that one.
        case pathChanged([String])
        /// The rungs that the owner does not make, from now on.
        case rungsGivenUp([String])
        /// The parent lacks items here.
        case gap
        case object(id: UInt32, bytes: [ByteBuffer])
        case objectMissing(id: UInt32)
        case ended(EndReason)
        /// The parent vanished or broke the protocol.
        case failed(RelayError)
    }

    private enum State {
        case greeting
        case receiving
        case closed
    }

    private struct PartialObject {
        var pieces: [ByteBuffer] = []
        var byteCount = 0
    }

    private var state = State.greeting
    private var reader = RelayFrameReader()
    private var outputs = Deque<EngineOutput<Event>>()
    private var objects: [UInt32: PartialObject] = [:]
    private var objectsByteCount = 0
    private var nextObjectID: UInt32 = 1
    private var lastHeard: MonotonicInstant
    private var nextKeepAlive: MonotonicInstant
    private let openedAt: MonotonicInstant
    private let limits: RelayLimits

    package init(_ hello: RelayHello, limits: RelayLimits = RelayLimits(), at now: MonotonicInstant) {
        self.limits = limits
        openedAt = now
        lastHeard = now
        nextKeepAlive = now + limits.childKeepAlive
        transmit(.hello(hello))
    }

    // MARK: Network

    package mutating func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) {
        guard state != .closed else { return }
        lastHeard = now
        reader.append(bytes)
        do throws(RelayError) {
            while state != .closed, let frame = try reader.next(bytesMax: limits.parentFrameBytesMax, limits: limits) {
                try handle(frame)
            }
        } catch { fail(error) }
    }

    package mutating func inputClosed(at now: MonotonicInstant) {
        guard state != .closed else { return }
        fail(.peerSilent)
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        switch state {
        case .greeting:
            if now >= lastHeard + limits.helloTimeout { return fail(.helloTimeout) }
            if now >= openedAt + limits.decisionTimeout { return fail(.decisionTimeout) }
        case .receiving: if now >= lastHeard + limits.parentSilenceMax { return fail(.peerSilent) }
        case .closed: return
        }
        if now >= nextKeepAlive {
            nextKeepAlive = now + limits.childKeepAlive
            transmit(.keepAlive)
        }
    }

    package mutating func nextOutput() -> EngineOutput<Event>? { outputs.popFirst() }

    package var nextDeadline: MonotonicInstant? {
        switch state {
        case .greeting: min(nextKeepAlive, lastHeard + limits.helloTimeout, openedAt + limits.decisionTimeout)
        case .receiving: min(nextKeepAlive, lastHeard + limits.parentSilenceMax)
        case .closed: nil
        }
    }

    // MARK: The application's wishes

    package mutating func setObjectInterest(_ isOn: Bool) {
        if state == .receiving { transmit(.objectInterest(isOn)) }
    }

    package mutating func requestKeyframe() {
        if state == .receiving { transmit(.keyframeRequest) }
    }

    /// Asks for an object; the answer carries the id. Nil when too many are under way or the parent is not there.
    package mutating func request(object name: String) -> UInt32? {
        guard state == .receiving, objects.count < limits.objectRequestsMax else { return nil }
        let id = nextObjectID
        nextObjectID &+= 1
        objects[id] = PartialObject()
        transmit(.objectRequest(id: id, name: name))
        return id
    }

    /// No more is wanted.
    package mutating func leave() {
        guard state != .closed else { return }
        transmit(.bye)
        state = .closed
        outputs.append(.close)
    }

    // MARK: Reading

    private mutating func handle(_ frame: RelayFrame) throws(RelayError) {
        switch (frame, state) {
        case (.accept(let accept), .greeting):
            state = .receiving
            outputs.append(.event(.accepted(accept)))
        case (.refuse(let refusal), .greeting):
            state = .closed
            outputs.append(.event(.refused(refusal)))
            outputs.append(.close)
        case (.keepAlive, _): break
        case (.item(let item), .receiving): outputs.append(.event(.item(item)))
        case (.state(let streamState), .receiving): outputs.append(.event(.state(streamState)))
        case (.path(let hops), .receiving): outputs.append(.event(.pathChanged(hops)))
        case (.rungsGivenUp(let rungs), .receiving): outputs.append(.event(.rungsGivenUp(rungs)))
        case (.gap, .receiving): outputs.append(.event(.gap))
        case (.objectData(let id, let isLast, let bytes), .receiving): try add(bytes, to: id, isLast: isLast)
        case (.objectMissing(let id), .receiving):
            guard let object = objects.removeValue(forKey: id) else { break }
            objectsByteCount -= object.byteCount
            outputs.append(.event(.objectMissing(id: id)))
        case (.end(let reason), .receiving):
            state = .closed
            outputs.append(.event(.ended(reason)))
            outputs.append(.close)
        default: throw .unexpectedFrame(type: frame.kind.rawValue)
        }
    }

    private mutating func add(_ bytes: ByteBuffer, to id: UInt32, isLast: Bool) throws(RelayError) {
        guard var object = objects.removeValue(forKey: id) else { return }
        object.byteCount += bytes.readableBytes
        objectsByteCount += bytes.readableBytes
        object.pieces.append(bytes)
        guard object.byteCount <= limits.objectBytesMax else { throw .objectTooLong(limit: limits.objectBytesMax) }
        guard object.pieces.count <= limits.objectSlicesMax else { throw .tooManySlices(limit: limits.objectSlicesMax) }
        guard objectsByteCount <= limits.openObjectsBytesMax else {
            throw .objectsTooLong(limit: limits.openObjectsBytesMax)
        }
        if isLast {
            objectsByteCount -= object.byteCount
            outputs.append(.event(.object(id: id, bytes: object.pieces)))
        } else {
            objects[id] = object
        }
    }

    private mutating func fail(_ error: RelayError) {
        state = .closed
        objects = [:]
        outputs.append(.event(.failed(error)))
        outputs.append(.close)
    }

    private mutating func transmit(_ frame: RelayFrame) { outputs.append(.transmit(frame.encoded)) }
}
