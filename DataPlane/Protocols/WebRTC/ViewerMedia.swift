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

    /// More than chance loses on a path that is not full.
    private static let heavyLossRatio = 0.1

    private let limits: PeerLimits
    private let clock: SessionClock
    private let playoutDelay: PlayoutDelay?
    private var lines: [Line] = []
    /// Their places, as each frame is for one of them.
    private let pictureLine: Int?
    private let soundLine: Int?
    private var pacer: Pacer
    /// The player will report arrivals and has not done so yet.
    private var isUnproven = false
    private var reportsHeard = 0
    private var estimator: BandwidthEstimator
    private var playout = PlayoutClock()
    private var keyframes = KeyframeRequester()
    private var pictures = Pictures.waitForKeyframe
    /// Of the newest picture, on the player's timeline.
    private var lastPicture: MediaTime?
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
        isUnproven = lines.contains(where: \.line.usesTransportFeedback)
        if isUnproven {
            pacer.isLimited = true
            pacer.bitsPerSecond = limits.unprovenBitsPerSecond
            hurry(bytes: limits.unprovenBytes)
        }
    }

    var path: PathReport {
        PathReport(
            capacityBitsPerSecond: estimator.capacityBitsPerSecond,
            isLosing: estimator.lossRatio > Self.heavyLossRatio
        )
    }
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

    /// What the stream has sent since its last keyframe, for a player that begins, or has to go on with another rendition at
    /// once. Stamped a moment apart and ending on time, the pictures are all due at once: the player shows the newest, not the
    /// past. Old sound is left out.
    mutating func start(with cached: [PacketizedFrame], at now: MonotonicInstant) {
        let pictures = pictureLine == nil ? [] : cached.filter { $0.track == .video }
        guard let newest = pictures.last else { return }
        for frame in pictures { learnCaptureTime(of: frame, at: now) }
        if isUnproven { hurry(bytes: max(limits.unprovenBytes, pictures.first?.payloadBytes ?? 0)) }
        giveUpWaiting()
        let step = catchUpStep(of: pictures.count, until: newest.presentationTime)
        for (index, frame) in pictures.enumerated() {
            var frame = frame
            frame.captureTime = nil
            let behind = Int64(pictures.count - 1 - index) * step
            frame.presentationTime = MediaTime(ticks: newest.presentationTime.ticks - behind)
            send(frame, at: now)
        }
    }

    /// In ticks, so that none is stamped before what the player has.
    private func catchUpStep(of count: Int, until newest: MediaTime) -> Int64 {
        guard let lastPicture else { return limits.catchUpStep.ticks }
        return min(limits.catchUpStep.ticks, max((newest.ticks - lastPicture.ticks) / Int64(count), 0))
    }

    mutating func send(_ frame: PacketizedFrame, at now: MonotonicInstant) {
        let isVideo = frame.track == .video
        guard let place = isVideo ? pictureLine : soundLine else { return }
        if isVideo, !admit(frame) {
            framesDropped += 1
            return
        }
        let frame = isVideo ? stampedLater(frame) : frame
        playout.sent(frame.presentationTime, at: now)
        learnCaptureTime(of: frame, at: now)
        if nextReport == nil { nextReport = now }
        let packets = lines[place].stream.packets(for: frame, at: now)
        guard pacer.enqueue(packets, of: place, priority: isVideo ? .picture : .sound) else {
            return overflow(at: now)
        }
    }

    /// A rendition that the player was led to in the middle may be behind the one it had.
    private mutating func stampedLater(_ frame: PacketizedFrame) -> PacketizedFrame {
        var frame = frame
        if let lastPicture { frame.presentationTime = max(frame.presentationTime, lastPicture + MediaTime(ticks: 1)) }
        lastPicture = frame.presentationTime
        return frame
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

    /// The player's path is far too slow.
    private mutating func overflow(at now: MonotonicInstant) {
        giveUpWaiting()
        pictures = .waitForKeyframe
        wantKeyframe(at: now)
    }

    /// A keyframe follows, which needs none of the pictures that wait.
    private mutating func giveUpWaiting() {
        guard let pictureLine else { return }
        lines[pictureLine].stream.takeBack(pacer.drop(.picture))
    }

    // MARK: Network

    mutating func receive(_ packets: [RTCPPacket], at now: MonotonicInstant) {
        for packet in packets {
            switch packet {
            case .receiverReport(let report):
                receive(report.blocks, at: now)
                reportsHeard += 1
                // It does not tell arrivals after all: those come many times a second, while first reports may come at once.
                if isUnproven, reportsHeard > 1, !estimator.hasReports { provePath() }
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

    private mutating func hurry(bytes: Int) {
        pacer.hurry(bytes: bytes, bitsPerSecond: limits.pacingBitsPerSecondMin)
    }

    private mutating func updatePacing() {
        if let path = estimator.pathBitsPerSecond {
            isUnproven = false
            hurry(bytes: 0)
            pacer.isLimited = true
            pacer.bitsPerSecond = path / 100 * limits.limitedPacingPercent
        } else if !isUnproven || estimator.hasSeenBurst {
            provePath()
        }
        if let pictureLine { lines[pictureLine].stream.isPathNarrow = pacer.isLimited && !isUnproven }
    }

    /// It has shown no limit.
    private mutating func provePath() {
        isUnproven = false
        pacer.isLimited = false
        let bitsPerSecond = estimator.bitsPerSecond / 100 * limits.pacingPercent
        pacer.bitsPerSecond = max(limits.pacingBitsPerSecondMin, bitsPerSecond)
    }

    private mutating func learnCaptureTime(of frame: PacketizedFrame, at now: MonotonicInstant) {
        guard let capture = frame.captureTime, let place = frame.track == .video ? pictureLine : soundLine else {
            return
        }
        let timestamp = lines[place].stream.timestamp(of: frame.presentationTime)
        lines[place].captureTimes.learned(capture, timestamp: timestamp, at: now)
    }
}
