import DequeModule
package import Timebase

package struct ReceiveStreamLimits: Hashable, Sendable {
    package var jitterBuffer = JitterBufferLimits()
    package var nack = NackLimits()
    package var depacketization = DepacketizationLimits()

    package init() {}
}

/// One media stream of a publisher: order, repair, frames, and what the reports say of it (RFC 3550, 4585, 4588).
///
/// Contract: after each event drain `nextOutput()` until nil, then call `timeoutReached` at `nextDeadline`.
package struct ReceiveStream: Sendable {
    package enum Output: Hashable, Sendable {
        case frame(ReceivedFrame)
        /// Ask the sender for these again.
        case nack([UInt16])
        /// Ask the sender for a keyframe; never more than once a second.
        case keyframeRequest
    }

    package struct Repair: Hashable, Sendable {
        package var payloadType: PayloadType
        /// Nil until its first packet tells, when the description did not.
        package var ssrc: SSRC?

        package init(payloadType: PayloadType, ssrc: SSRC? = nil) {
            self.payloadType = payloadType
            self.ssrc = ssrc
        }
    }

    package let ssrc: SSRC
    package let codec: RTPCodec
    package let payloadType: PayloadType
    package private(set) var statistics: ReceptionStatistics
    /// Packets that came as repeats and were of use.
    package private(set) var recovered: Int64 = 0
    /// Packets given up, and repeats that came too late.
    package private(set) var late: Int64 = 0

    private let limits: ReceiveStreamLimits
    private let extensions: HeaderExtensionMap
    private let usesNack: Bool
    private var gate = SequenceGate()
    private var buffer: JitterBuffer
    private var nacks: NackGenerator
    private var assembler: FrameAssembler
    private var keyframes = KeyframeRequester()
    private var outputs: Deque<Output> = []

    package init(
        ssrc: SSRC,
        codec: RTPCodec,
        payloadType: PayloadType,
        usesNack: Bool,
        extensions: HeaderExtensionMap = HeaderExtensionMap(),
        limits: ReceiveStreamLimits = ReceiveStreamLimits()
    ) {
        self.ssrc = ssrc
        self.codec = codec
        self.payloadType = payloadType
        self.usesNack = usesNack
        self.limits = limits
        self.extensions = extensions
        statistics = ReceptionStatistics(clockRate: codec.clockRate)
        buffer = JitterBuffer(limits: limits.jitterBuffer)
        nacks = NackGenerator(limits: limits.nack)
        assembler = FrameAssembler(codec: codec, extensions: extensions, limits: limits.depacketization)
    }

    package var framesDropped: Int64 { assembler.framesDropped }

    package mutating func receive(_ packet: RTPPacket, at now: MonotonicInstant) {
        switch gate.admit(packet.sequence) {
        case .strays: return
        case .restarts(let sequence):
            // A sender that begins anew: nothing of before is of use.
            buffer = JitterBuffer(limits: limits.jitterBuffer)
            nacks.reset()
            assembler = FrameAssembler(codec: codec, extensions: extensions, limits: limits.depacketization)
            statistics = ReceptionStatistics(clockRate: codec.clockRate)
            take(packet, sequence, at: now)
        case .belongs(let sequence): take(packet, sequence, at: now)
        }
    }

    private mutating func take(_ packet: RTPPacket, _ sequence: Int64, at now: MonotonicInstant) {
        statistics.received(sequence: sequence, timestamp: packet.timestamp, at: now)
        insert(packet, sequence, at: now)
    }

    /// `packet` is of the stream's RTX; it is not counted by the reports (RFC 4588 §6.1).
    package mutating func receive(retransmission packet: RTPPacket, at now: MonotonicInstant) {
        guard let original = try? packet.original(ssrc: ssrc, payloadType: payloadType),
            case .belongs(let sequence) = gate.admit(original.sequence)
        else { return }
        recovered += 1
        insert(original, sequence, at: now)
    }

    private mutating func insert(_ packet: RTPPacket, _ sequence: Int64, at now: MonotonicInstant) {
        if usesNack, !nacks.received(sequence, at: now) { wantKeyframe(at: now) }
        let mayBegin = assembler.mayBeginFrame(packet)
        if buffer.insert(packet, sequence: sequence, mayBeginFrame: mayBegin, at: now) == .late { late += 1 }
        advance(at: now)
    }

    package mutating func receive(_ report: SenderReport, at now: MonotonicInstant) {
        statistics.received(report, at: now)
    }

    /// Someone who watches needs a keyframe.
    package mutating func wantKeyframe(at now: MonotonicInstant) {
        guard codec.isVideo else { return }
        if keyframes.want(at: now) { outputs.append(.keyframeRequest) }
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        advance(at: now)
        if keyframes.sendIfDue(at: now) { outputs.append(.keyframeRequest) }
    }

    package mutating func nextOutput() -> Output? { outputs.popFirst() }

    package var nextDeadline: MonotonicInstant? {
        [buffer.nextDeadline, nacks.nextDeadline, keyframes.nextDeadline].compactMap { $0 }.min()
    }

    /// For the next receiver report; `fractionLost` counts from the last one.
    package mutating func reportBlock(at now: MonotonicInstant) -> ReportBlock? { statistics.block(for: ssrc, at: now) }

    /// Where a sender report's timestamp lies among the frames'.
    package func extended(_ timestamp: UInt32) -> Int64 { assembler.extended(timestamp) }

    private mutating func advance(at now: MonotonicInstant) {
        while let delivery = buffer.next(at: now) {
            for frame in assembler.push(delivery) {
                if frame.isKeyframe { keyframes.keyframeArrived() }
                outputs.append(.frame(frame))
            }
        }
        if assembler.needsKeyframe, statistics.received > 0 { wantKeyframe(at: now) }
        guard usesNack else { return }
        if let next = buffer.nextExpected { nacks.forget(before: next) }
        let sequences = nacks.due(at: now)
        if !sequences.isEmpty { outputs.append(.nack(sequences)) }
    }
}
