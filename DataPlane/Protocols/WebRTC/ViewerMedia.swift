import DequeModule
import MediaModel
import RTP
import SDP
import Timebase

import struct NIOCore.ByteBuffer

/// The media of a WHEP player: frames in, paced packets and reports out.
///
/// It outlives its source. With another origin the hub's timeline goes on, so the same SSRCs send growing numbers and
/// timestamps; pictures resume at the next keyframe.
///
/// Contract: after each event drain `nextOutput()` and `duePackets` until nil, then call `timeoutReached` at
/// `nextDeadline`.
struct ViewerMedia: Sendable {
    enum Output: Sendable {
        case rtcp([RTCPPacket])
        /// The player cannot decode on. At most once a second.
        case keyframeWanted
        case goodbye
    }

    private struct Line: Sendable {
        var line: NegotiatedLine
        var stream: SendStream
        /// The player has reported on it, so it knows which line the SSRC belongs to.
        var isKnown = false
        var hasSendTime: Bool
        var captureTimes: CaptureTimes
    }

    private enum Pictures {
        /// Nothing can be decoded before the next keyframe.
        case waitForKeyframe
        case flow
    }

    private let limits: PeerLimits
    private let clock: SessionClock
    private let playoutDelay: PlayoutDelay?
    private var lines: [Line] = []
    /// Their places, as each frame is for one of them.
    private let pictureLine: Int?
    private let soundLine: Int?
    private var pacer: Pacer
    private var estimator: BandwidthEstimator
    private var playout = PlayoutClock()
    private var keyframes = KeyframeRequester()
    private var pictures = Pictures.waitForKeyframe
    private var nextReport: MonotonicInstant?
    private var outputs = Deque<Output>()
    private(set) var framesDropped: Int64 = 0

    init(
        _ negotiation: Negotiation,
        limits: PeerLimits,
        clock: SessionClock,
        playoutDelay: PlayoutDelay?,
        using random: inout some RandomNumberGenerator
    ) {
        self.limits = limits
        self.clock = clock
        self.playoutDelay = playoutDelay
        estimator = BandwidthEstimator(limits: limits.bandwidth)
        pacer = Pacer(bitsPerSecond: limits.pacingBitsPerSecondMin, limits: limits.pacer)
        for line in negotiation.media.compactMap(NegotiatedLine.init) {
            guard let sending = line.sending else { continue }
            var repair: (ssrc: SSRC, payloadType: PayloadType)?
            if let ssrc = sending.retransmissionSSRC, let type = line.repairPayloadType { repair = (SSRC(ssrc), type) }
            var configuration = SendStream.Configuration(
                ssrc: SSRC(sending.ssrc),
                payloadType: line.payloadType,
                clockRate: line.codec.clockRate,
                repair: repair,
                extensions: line.extensions
            )
            configuration.history = limits.history
            lines.append(
                Line(
                    line: line,
                    stream: SendStream(configuration, using: &random),
                    hasSendTime: line.extensions.id(of: .absoluteSendTime) != nil,
                    captureTimes: CaptureTimes(clockRate: line.codec.clockRate)
                )
            )
        }
        pictureLine = lines.firstIndex { $0.line.codec.isVideo }
        soundLine = lines.firstIndex { !$0.line.codec.isVideo }
    }

    var capacityBitsPerSecond: Int? { estimator.capacityBitsPerSecond }
    var reducedSizeRTCP: Bool { lines.allSatisfy(\.line.reducedSizeRTCP) }
    var reportSSRC: SSRC { lines.first?.stream.configuration.ssrc ?? SSRC(0) }

    /// The canonical name all its sources share (RFC 3550 §6.5.1).
    var description: SourceDescription {
        SourceDescription(
            chunks: lines.map {
                SourceDescription.Chunk(ssrc: $0.stream.configuration.ssrc, canonicalName: $0.line.sending?.cname)
            }
        )
    }

    // MARK: Media

    /// What the stream has sent since its last keyframe, for a player that begins. Stamped a moment apart and ending on
    /// time, the pictures are all due at once: the player shows the newest, not the past. Old sound is left out.
    mutating func start(with cached: [PacketizedFrame], at now: MonotonicInstant) {
        let pictures = pictureLine == nil ? [] : cached.filter { $0.track == .video }
        guard let newest = pictures.last else { return }
        for frame in pictures { learnCaptureTime(of: frame, at: now) }
        for (index, frame) in pictures.enumerated() {
            var frame = frame
            frame.captureTime = nil
            let behind = Int64(pictures.count - 1 - index) * limits.catchUpStep.ticks
            frame.presentationTime = MediaTime(ticks: newest.presentationTime.ticks - behind)
            send(frame, at: now)
        }
    }

    mutating func send(_ frame: PacketizedFrame, at now: MonotonicInstant) {
        let isVideo = frame.track == .video
        guard let place = isVideo ? pictureLine : soundLine else { return }
        if isVideo, !admit(frame) {
            framesDropped += 1
            return
        }
        playout.sent(frame.presentationTime, at: now)
        learnCaptureTime(of: frame, at: now)
        if nextReport == nil { nextReport = now }
        let packets = lines[place].stream.packets(for: frame, at: now)
        guard pacer.enqueue(packets, of: place, priority: isVideo ? .picture : .sound) else {
            return overflow(at: now)
        }
    }

    /// Pictures are missing: those that follow refer to them.
    mutating func interrupt() {
        pictures = .waitForKeyframe
        for place in lines.indices { lines[place].captureTimes.reset() }
    }

    private mutating func admit(_ frame: PacketizedFrame) -> Bool {
        if frame.isKeyframe {
            pictures = .flow
            keyframes.keyframeArrived()
        }
        switch pictures {
        case .flow: return true
        case .waitForKeyframe: return false
        }
    }

    /// The player's path is far too slow. What waits is given up; numbers go on, so it sees a hole and asks.
    private mutating func overflow(at now: MonotonicInstant) {
        pacer.drop(.picture)
        pictures = .waitForKeyframe
        wantKeyframe(at: now)
    }

    // MARK: Network

    mutating func receive(_ packets: [RTCPPacket], at now: MonotonicInstant) {
        for packet in packets {
            switch packet {
            case .receiverReport(let report): receive(report.blocks, at: now)
            case .senderReport(let report): receive(report.blocks, at: now)
            case .nack(let nack): sendAgain(nack, at: now)
            case .pictureLossIndication, .fullIntraRequest: wantKeyframe(at: now)
            case .transportFeedback(let feedback):
                estimator.receive(feedback, roundTrip: lines.compactMap(\.stream.roundTrip).max(), at: now)
                updatePacing()
            case .maximumBitrate(let maximum):
                estimator.receive(maximum)
                updatePacing()
            case .goodbye: outputs.append(.goodbye)
            case .sourceDescription, .other: break
            }
        }
    }

    mutating func timeoutReached(at now: MonotonicInstant) {
        if keyframes.sendIfDue(at: now) { outputs.append(.keyframeWanted) }
        guard let due = nextReport, now >= due, let media = playout.mediaTime(at: now) else { return }
        nextReport = now + limits.reportInterval
        let ntp = clock.ntp(at: now)
        let reports = lines.map { RTCPPacket.senderReport($0.stream.senderReport(mediaNow: media, ntp: ntp)) }
        outputs.append(.rtcp(reports + [.sourceDescription(description)]))
    }

    mutating func nextOutput() -> Output? { outputs.popFirst() }

    /// The next packets whose time has come, to be written one by one; nil when there are none.
    mutating func duePackets(at now: MonotonicInstant) -> Pacer.Item? { pacer.next(at: now) }

    /// The whole packet at `place`, ready to be encrypted where it stands.
    mutating func write(_ due: Pacer.Item, _ place: Int, into bytes: inout ByteBuffer, at now: MonotonicInstant) {
        let stream = due.stream
        var values = HeaderExtensions()
        if !lines[stream].isKnown {
            values.mid = lines[stream].line.mid
            values.playoutDelay = playoutDelay
        }
        if place == 0 {
            values.absoluteCaptureTime = lines[stream].captureTimes.due(timestamp: due.packets.timestamp, at: now)
        }
        // 6.18 fixed point is 24 bits of the 32.32 of NTP.
        if lines[stream].hasSendTime {
            values.absoluteSendTime = UInt32(truncatingIfNeeded: clock.ntp(at: now).value >> 14) & 0xFF_FFFF
        }
        if lines[stream].line.usesTransportFeedback {
            values.transportSequence = estimator.send(bytes: due.packets.bytes(at: place), at: now)
        }
        lines[stream].stream.writer.write(due.packets, place, extensions: values, into: &bytes)
    }

    var nextDeadline: MonotonicInstant? {
        MonotonicInstant.earlier(pacer.nextDeadline, MonotonicInstant.earlier(keyframes.nextDeadline, nextReport))
    }

    // MARK: Parts

    private mutating func receive(_ blocks: [ReportBlock], at now: MonotonicInstant) {
        let ntp = clock.ntp(at: now)
        for block in blocks {
            guard let place = lines.firstIndex(where: { $0.stream.configuration.ssrc == block.ssrc }) else { continue }
            lines[place].isKnown = true
            lines[place].stream.receive(block, ntp: ntp)
        }
    }

    private mutating func sendAgain(_ nack: GenericNack, at now: MonotonicInstant) {
        guard let place = lines.firstIndex(where: { $0.stream.configuration.ssrc == nack.media }) else { return }
        for repeated in lines[place].stream.repeats(of: nack.sequences, at: now) {
            // When even the queue is full, a repeat more does not help.
            _ = pacer.enqueue(repeated, of: place, priority: .repeated)
        }
    }

    private mutating func wantKeyframe(at now: MonotonicInstant) {
        if keyframes.want(at: now) { outputs.append(.keyframeWanted) }
    }

    private mutating func updatePacing() {
        pacer.bitsPerSecond = max(
            limits.pacingBitsPerSecondMin,
            estimator.bitsPerSecond / 100 * limits.pacingPercent
        )
    }

    private mutating func learnCaptureTime(of frame: PacketizedFrame, at now: MonotonicInstant) {
        guard let capture = frame.captureTime, let place = frame.track == .video ? pictureLine : soundLine else {
            return
        }
        let timestamp = lines[place].stream.timestamp(of: frame.presentationTime)
        lines[place].captureTimes.learned(capture, timestamp: timestamp, at: now)
    }
}
