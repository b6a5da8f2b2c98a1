import Codecs
import DequeModule
package import MediaModel
import RTP
import SDP
import Timebase

import struct NIOCore.ByteBuffer

/// What a publisher's media becomes: tracks, and units in the order of each track.
package enum PublishedMedia: Hashable, Sendable {
    /// All of them; before the first unit, and at each change.
    case tracks([Track])
    /// `samples` of a frame of sound, at 48 kHz.
    case unit(AccessUnit, samples: Int?)
    /// A picture of one of the video track's layers.
    case layer(AccessUnit)
}

/// The media of a WHIP publisher: packets and reports in, units and feedback out.
///
/// Contract: after each event drain `nextOutput()` until nil, then call `timeoutReached` at `nextDeadline`.
struct PublisherMedia: Sendable {
    enum Output: Sendable {
        case rtcp([RTCPPacket])
        case media(PublishedMedia)
        case malformed
        /// Pictures come in another order than they are shown.
        case reordered
        /// Nothing has come for long.
        case silent
        case goodbye
    }

    private struct Source: Sendable {
        var line: NegotiatedLine
        /// Of a simulcast; what its packets name.
        var rid: String?
        var track: IncomingTrack
        /// Nil until its first packet tells the SSRC.
        var stream: ReceiveStream?
        var repairSSRC: SSRC?
        var order = PictureOrderWatch()
    }

    private let limits: PeerLimits
    /// Ours, under which reports and requests go.
    private let ownSSRC: SSRC
    private var sources: [Source]
    private var ranking: LayerRanking
    private var timeline = SessionTimeline()
    private let clock: SessionClock
    private var publisherClock = PublisherClock()
    private var feedback = TransportFeedbackGenerator()
    private var bandwidth: ReceiveBandwidthEstimator
    private var nextReport: MonotonicInstant?
    /// Since the last report.
    private var hasHeard = false
    private var silentReports = 0
    /// Nil before the first picture.
    private var nextKeyframe: MonotonicInstant?
    private var outputs = Deque<Output>()

    private var announced: [Track] = []
    private var pending: [PublishedMedia] = []
    private var pendingSince: MonotonicInstant?

    init(
        _ negotiation: Negotiation,
        limits: PeerLimits,
        clock: SessionClock,
        using random: inout some RandomNumberGenerator
    ) {
        self.limits = limits
        self.clock = clock
        ownSSRC = SSRC(UInt32.random(in: 1...UInt32.max, using: &random))
        sources = negotiation.media.flatMap(Self.sources)
        ranking = LayerRanking(silenceMax: limits.layerSilenceMax)
        bandwidth = ReceiveBandwidthEstimator(limits: limits.bandwidth)
    }

    /// One, or one for each layer of a simulcast.
    private static func sources(of media: Negotiation.Media) -> [Source] {
        guard let line = NegotiatedLine(media) else { return [] }
        let id: TrackID = line.codec.isVideo ? .video : .audio
        guard line.codec.isVideo, !media.simulcastLayers.isEmpty else {
            return [Source(line: line, track: IncomingTrack(id, codec: line.codec, channels: line.channels))]
        }
        return media.simulcastLayers.enumerated().map { number, rid in
            let id = TrackID(layerIDsFrom + UInt8(clamping: number))
            return Source(line: line, rid: rid, track: IncomingTrack(id, codec: line.codec))
        }
    }

    /// Above the ids of tracks.
    private static let layerIDsFrom: UInt8 = 16

    /// Compound packets may lack a report in front only when both sides said so (RFC 5506).
    var reducedSizeRTCP: Bool { sources.allSatisfy(\.line.reducedSizeRTCP) }

    var reportSSRC: SSRC { ownSSRC }

    private var knownSources: [SSRC] { sources.compactMap { $0.stream?.ssrc } }

    mutating func nextOutput() -> Output? { outputs.popFirst() }

    var nextDeadline: MonotonicInstant? {
        let streams = sources.compactMap { $0.stream?.nextDeadline }
        return (streams + [feedback.nextDeadline, nextReport, nextKeyframe].compactMap { $0 }).min()
    }

    // MARK: Network

    mutating func opened(at now: MonotonicInstant) { nextReport = now + limits.reportInterval }

    mutating func receive(rtp datagram: ByteBuffer, at now: MonotonicInstant) {
        let packet: RTPPacket
        do throws(RTPError) {
            packet = try RTPPacket(parsing: datagram)
        } catch { return outputs.append(.malformed) }
        guard let first = sources.firstIndex(where: { $0.line.carries(packet.payloadType) }) else {
            return outputs.append(.malformed)
        }
        let line = sources[first].line
        let extensions = line.extensions.read(packet.headerExtension)
        if line.usesTransportFeedback, let sequence = extensions.transportSequence {
            feedback.received(sequence, at: now)
        } else if line.usesMaximumBitrate, let sendTime = extensions.absoluteSendTime {
            bandwidth.received(bytes: datagram.readableBytes, absoluteSendTime: sendTime, at: now)
        }
        hasHeard = true
        if let place = sources[first].rid == nil ? first : place(of: packet, extensions) {
            take(packet, place, at: now)
            drain(place, at: now)
        }
        sendFeedback(at: now)
    }

    /// Whose layer the packet is: senders name it until they know that we know its SSRC (RFC 8852 §3). Packets that nobody has
    /// named are probes, or come early.
    private mutating func place(of packet: RTPPacket, _ extensions: HeaderExtensions) -> Int? {
        if let rid = extensions.rid ?? extensions.repairedRid {
            return sources.firstIndex { $0.rid == rid && $0.line.carries(packet.payloadType) }
        }
        return sources.firstIndex { $0.stream?.ssrc == packet.ssrc || $0.repairSSRC == packet.ssrc }
    }

    private mutating func take(_ packet: RTPPacket, _ place: Int, at now: MonotonicInstant) {
        if sources[place].line.payloadType == packet.payloadType {
            open(place, for: packet.ssrc)
            sources[place].stream?.receive(packet, at: now)
        } else {
            sources[place].repairSSRC = packet.ssrc
            sources[place].stream?.receive(retransmission: packet, at: now)
        }
    }

    mutating func receive(_ packets: [RTCPPacket], at now: MonotonicInstant) {
        for packet in packets {
            switch packet {
            case .senderReport(let report): receive(report, at: now)
            case .goodbye(let goodbye):
                let known = knownSources
                if !known.isEmpty, known.allSatisfy(goodbye.sources.contains) { outputs.append(.goodbye) }
            // Nothing is sent to a publisher, so it has nothing to report, ask or estimate.
            case .receiverReport, .sourceDescription, .nack, .pictureLossIndication, .fullIntraRequest,
                .maximumBitrate, .transportFeedback, .other:
                break
            }
        }
    }

    mutating func timeoutReached(at now: MonotonicInstant) {
        for place in sources.indices {
            sources[place].stream?.timeoutReached(at: now)
            drain(place, at: now)
        }
        if let due = nextKeyframe, now >= due {
            nextKeyframe = now + limits.keyframeInterval
            wantKeyframe(of: .video, at: now)
        }
        sendFeedback(at: now)
        sendReports(at: now)
    }

    /// A player of the pictures, or of one of their layers, needs one. Requests beyond one a second are held back. Layers are cut
    /// where the pictures are, so they need theirs with them.
    mutating func wantKeyframe(of track: TrackID, at now: MonotonicInstant) {
        for place in sources.indices where sources[place].line.codec.isVideo {
            guard track == .video || sources[place].track.id == track else { continue }
            sources[place].stream?.wantKeyframe(at: now)
            drain(place, at: now)
        }
    }

    // MARK: Parts

    /// A new SSRC on a line is the same publisher with a new encoder: its numbers begin anew, its timeline goes on.
    private mutating func open(_ place: Int, for ssrc: SSRC) {
        if let stream = sources[place].stream {
            guard stream.ssrc != ssrc else { return }
            timeline.remove(stream.ssrc)
        }
        let line = sources[place].line
        sources[place].stream = ReceiveStream(
            ssrc: ssrc,
            codec: line.codec,
            payloadType: line.payloadType,
            usesNack: line.usesNack,
            extensions: line.extensions,
            limits: limits.receiving
        )
    }

    private mutating func receive(_ report: SenderReport, at now: MonotonicInstant) {
        guard let place = sources.firstIndex(where: { $0.stream?.ssrc == report.ssrc }) else { return }
        sources[place].stream?.receive(report, at: now)
        publisherClock.received(report, ntp: clock.ntp(at: now))
        guard let timestamp = sources[place].stream?.extended(report.rtpTimestamp) else { return }
        timeline.senderReport(report, timestamp: timestamp)
    }

    private mutating func drain(_ place: Int, at now: MonotonicInstant) {
        guard let media = sources[place].stream?.ssrc else { return }
        while let output = sources[place].stream?.nextOutput() {
            switch output {
            case .frame(let frame): take(frame, place, media, at: now)
            case .nack(let sequences):
                outputs.append(.rtcp([.nack(GenericNack(sender: ownSSRC, media: media, sequences: sequences))]))
            case .keyframeRequest:
                let request = PictureLossIndication(sender: ownSSRC, media: media)
                outputs.append(.rtcp([.pictureLossIndication(request)]))
            }
        }
    }

    private mutating func take(_ frame: ReceivedFrame, _ place: Int, _ ssrc: SSRC, at now: MonotonicInstant) {
        if frame.codec.isVideo, sources[place].order.isReordered(by: frame.timestamp) {
            return outputs.append(.reordered)
        }
        let time = timeline.time(of: frame, from: ssrc)
        let before = sources[place].track.parameters
        var unit: AccessUnit?
        do throws(CodecError) {
            unit = try sources[place].track.unit(of: frame, at: time)
        } catch { return outputs.append(.malformed) }
        unit?.captureTime = frame.captureTime.map(captureTime)
        if sources[place].rid != nil { return take(layer: unit, place, at: now) }
        let hasChanged = sources[place].track.parameters != before
        if hasChanged, !announced.isEmpty { announce() }
        noteKeyframe(frame.codec.isVideo, frame.isKeyframe, at: now)
        guard let unit else { return }
        let samples = frame.codec.isVideo ? nil : OpusPacket.samples(unit.payload)
        deliver(.unit(unit, samples: samples), at: now)
    }

    /// As this node says it: the time is its source's and stays, the offset is between that clock and ours.
    private func captureTime(_ theirs: AbsoluteCaptureTime) -> AbsoluteCaptureTime {
        var ours = theirs
        ours.clockOffset = theirs.clockOffset.flatMap { theirs in publisherClock.offset.map { theirs &+ $0 } }
        return ours
    }

    private mutating func noteKeyframe(_ isVideo: Bool, _ isKeyframe: Bool, at now: MonotonicInstant) {
        if isVideo, isKeyframe || nextKeyframe == nil { nextKeyframe = now + limits.keyframeInterval }
    }

    private mutating func take(layer unit: AccessUnit?, _ place: Int, at now: MonotonicInstant) {
        guard var unit, let codec = sources[place].track.parameters else { return }
        let (main, lower) = (ranking.main, ranking.lower)
        ranking.showed(unit.track, codec, isKeyframe: unit.isKeyframe, at: now)
        if ranking.main != main { dropPendingPictures() }
        if ranking.main != main || ranking.lower != lower, !announced.isEmpty { announce() }
        if let awaited = ranking.awaited, awaited == unit.track { sources[place].stream?.wantKeyframe(at: now) }
        if unit.track == ranking.main {
            noteKeyframe(true, unit.isKeyframe, at: now)
            unit.track = .video
            deliver(.unit(unit, samples: nil), at: now)
        } else if !announced.isEmpty, ranking.lower.contains(where: { $0.id == unit.track }) {
            outputs.append(.media(.layer(unit)))
        }
    }

    /// Of a layer that is not the stream any more before the stream has begun.
    private mutating func dropPendingPictures() {
        pending.removeAll { if case .unit(let unit, _) = $0 { unit.track == .video } else { false } }
    }

    /// Holds the first units back until the tracks are known, so that the stream does not begin with half of them.
    private mutating func deliver(_ media: PublishedMedia, at now: MonotonicInstant) {
        guard announced.isEmpty else { return outputs.append(.media(media)) }
        let since = pendingSince ?? now
        pendingSince = since
        pending.append(media)
        let isComplete = sources.allSatisfy { $0.track.parameters != nil }
        let hasWaited = now - since >= limits.announceAfter || pending.count >= limits.pendingUnitsMax
        guard isComplete || hasWaited else { return }
        announce()
        for each in pending { outputs.append(.media(each)) }
        pending = []
    }

    private mutating func announce() {
        announced = sources.filter { $0.rid == nil }.compactMap(\.track.track)
        if let main = sources.first(where: { $0.track.id == ranking.main && $0.rid != nil })?.track.parameters {
            var track = Track(id: .video, codec: main)
            track.layers = ranking.lower
            announced.append(track)
        }
        outputs.append(.media(.tracks(announced)))
    }

    // MARK: Reports

    private mutating func sendFeedback(at now: MonotonicInstant) {
        let media = sources.lazy.compactMap { $0.stream?.ssrc }.first ?? SSRC(0)
        while let report = feedback.feedback(sender: ownSSRC, media: media, at: now) {
            outputs.append(.rtcp([.transportFeedback(report)]))
        }
        if let rate = bandwidth.report(at: now) {
            let maximum = ReceiverEstimatedMaximumBitrate(sender: ownSSRC, bitsPerSecond: rate, sources: knownSources)
            outputs.append(.rtcp([.maximumBitrate(maximum)]))
        }
    }

    private mutating func sendReports(at now: MonotonicInstant) {
        guard let due = nextReport, now >= due else { return }
        nextReport = now + limits.reportInterval
        // Reports are counted, not time: a process that was stopped heard nobody.
        silentReports = hasHeard ? 0 : silentReports + 1
        hasHeard = false
        if limits.reportInterval * silentReports >= limits.mediaSilenceMax { return outputs.append(.silent) }
        var blocks: [ReportBlock] = []
        for place in sources.indices {
            if let block = sources[place].stream?.reportBlock(at: now) { blocks.append(block) }
        }
        outputs.append(.rtcp([.receiverReport(ReceiverReport(ssrc: ownSSRC, blocks: blocks))]))
    }
}
