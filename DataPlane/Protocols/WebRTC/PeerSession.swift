import DequeModule
package import ICE
package import MediaModel
package import RTP
package import SDP
package import SecureTransport
package import Timebase

package import struct NIOCore.ByteBuffer

/// What a session asks its driver to do.
package enum PeerOutput: Sendable {
    case transmit(DatagramRun, on: TransportPath)
    case event(PeerEvent)
}

package enum PeerEvent: Hashable, Sendable {
    /// The keys are there and the peer is who its description said. A player is to be given `start` now.
    case opened(SRTPSuite)
    /// Of a publisher.
    case media(PublishedMedia)
    /// Of a player, at most once a second.
    case keyframeWanted
    case refused(PeerRefusal)
    /// Nothing follows.
    case over(PeerEnd)
}

/// What a player's path has shown.
package struct PathReport: Hashable, Sendable {
    /// Nil while it has shown no limit.
    package var capacityBitsPerSecond: Int?
    /// So much is lost that pictures break.
    package var isLosing: Bool

    package init(capacityBitsPerSecond: Int? = nil, isLosing: Bool = false) {
        self.capacityBitsPerSecond = capacityBitsPerSecond
        self.isLosing = isLosing
    }
}

/// One WHIP or WHEP session, with the I/O taken out: ICE, DTLS, SRTP, RTP and RTCP with one peer.
///
/// Spec: RFC 9725 (WHIP), RFC 8834 (RTP for WebRTC), RFC 8827 (security).
///
/// The driver calls, in the order of a session's life:
///
/// 1. `init` with what offer and answer settled (`PeerNegotiation`);
/// 2. `receive` for each datagram that is this peer's: found by the user fragment of its checks, then by address;
/// 3. for a player, on `.opened`: `start(with:)` once, and `send` for each frame from then on;
/// 4. `timeoutReached` at `nextDeadline`; `close` at the end.
///
/// Contract: make one mutation, drain `nextOutput(at:)` until nil, then sleep until `nextDeadline`.
package struct PeerSession: ~Copyable {
    package enum Role: Hashable, Sendable {
        /// WHIP: the peer sends.
        case publisher
        /// WHEP: the peer receives.
        case player
    }

    package let role: Role
    private var link: SecureLink
    /// Exactly one of the two is set. An enum would copy its queues at each step to change them.
    private var publisher: PublisherMedia?
    private var player: ViewerMedia?
    private let limits: PeerLimits
    private var events = Deque<PeerEvent>()

    /// `playoutDelay` is what a player is asked to keep to.
    package init(
        _ role: Role,
        _ negotiation: Negotiation,
        link: consuming SecureLink,
        limits: PeerLimits = PeerLimits(),
        wall: WallTime,
        playoutDelay: PlayoutDelay?,
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) {
        self.role = role
        self.link = link
        self.limits = limits
        let clock = SessionClock(wall, at: now)
        switch role {
        case .publisher: publisher = PublisherMedia(negotiation, limits: limits, clock: clock, using: &random)
        case .player:
            player = ViewerMedia(
                negotiation,
                limits: limits,
                clock: clock,
                playoutDelay: playoutDelay,
                using: &random
            )
        }
    }

    // MARK: Getters

    package var isOpen: Bool { link.isOpen }
    package var sendPath: TransportPath? { link.sendPath }
    /// Datagrams from these are this session's.
    package var validPaths: [TransportPath] { link.validPaths }
    /// Checks that name these are this session's.
    package var userFragments: [String] { link.userFragments }

    package var nextDeadline: MonotonicInstant? {
        let media = link.isOpen ? publisher?.nextDeadline ?? player?.nextDeadline : nil
        return MonotonicInstant.earlier(link.nextDeadline, media)
    }

    /// Of the path to a player.
    package var path: PathReport { player?.path ?? PathReport() }

    // MARK: Network

    package mutating func receive(_ datagram: ByteBuffer, on path: TransportPath, at now: MonotonicInstant) {
        link.receive(datagram, on: path, at: now)
    }

    /// A check that was decoded already, to find whose it is.
    package mutating func receive(_ check: ReceivedStunMessage, on path: TransportPath, at now: MonotonicInstant) {
        link.receive(check, on: path, at: now)
    }

    /// A TCP connection is gone.
    package mutating func pathClosed(_ path: TransportPath, at now: MonotonicInstant) {
        link.pathClosed(path, at: now)
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        link.timeoutReached(at: now)
        publisher?.timeoutReached(at: now)
        player?.timeoutReached(at: now)
    }

    package mutating func nextOutput(at now: MonotonicInstant) -> PeerOutput? {
        while true {
            if let event = events.popFirst() { return .event(event) }
            if let output = link.nextOutput() {
                if let output = take(output, at: now) { return output }
                continue
            }
            guard link.isOpen, takeMedia(at: now) else { return nil }
        }
    }

    // MARK: The application's wishes

    /// The frames since the last keyframe, for a player that has just been opened, or is led to another rendition at once.
    package mutating func start(with cached: [PacketizedFrame], at now: MonotonicInstant) {
        player?.start(with: cached, at: now)
    }

    /// The next frame of the stream; without effect on a publisher, and before the keys.
    package mutating func send(_ frame: PacketizedFrame, at now: MonotonicInstant) {
        if link.isOpen { player?.send(frame, at: now) }
    }

    /// Frames are missing between the last and the next: pictures go on at a keyframe.
    package mutating func interrupt() { player?.interrupt() }

    /// Asks a publisher for a keyframe of its pictures or of one of their layers, at most once a second.
    package mutating func wantKeyframe(of track: TrackID = .video, at now: MonotonicInstant) {
        publisher?.wantKeyframe(of: track, at: now)
    }

    package mutating func restart(credentials: ICECredentials, at now: MonotonicInstant) {
        link.restart(credentials: credentials, at: now)
    }

    /// Says goodbye to the peer.
    package mutating func close(at now: MonotonicInstant) {
        if link.isOpen { send([.goodbye(Goodbye(sources: [reportSSRC]))]) }
        link.close(.closedByUs, at: now)
    }

    // MARK: Parts

    private mutating func take(_ output: SecureLink.Output, at now: MonotonicInstant) -> PeerOutput? {
        switch output {
        case .transmit(let run, let path): return .transmit(run, on: path)
        case .opened(let suite):
            publisher?.opened(at: now)
            return .event(.opened(suite))
        case .refused(let refusal): return .event(.refused(refusal))
        case .over(let end): return .event(.over(end))
        case .rtp(let packet): publisher?.receive(rtp: packet, at: now)
        case .rtcp(let packet): receive(rtcp: packet, at: now)
        }
        return nil
    }

    private mutating func receive(rtcp packet: ByteBuffer, at now: MonotonicInstant) {
        let packets: [RTCPPacket]
        do throws(RTPError) {
            packets = Array(try RTCPPacket.parse(packet).prefix(limits.rtcpPacketsMax))
        } catch { return events.append(.refused(.malformedMedia)) }
        publisher?.receive(packets, at: now)
        player?.receive(packets, at: now)
    }

    /// False when the media has nothing to say.
    private mutating func takeMedia(at now: MonotonicInstant) -> Bool {
        if let output = publisher?.nextOutput() {
            take(output, at: now)
        } else if let output = player?.nextOutput() {
            take(output, at: now)
        } else {
            return sendDuePackets(at: now)
        }
        return true
    }

    private mutating func sendDuePackets(at now: MonotonicInstant) -> Bool {
        guard let first = player?.duePackets(at: now) else { return false }
        var writer = DatagramRunWriter()
        var next: Pacer.Item? = first
        while let due = next {
            writer.bytes.reserveCapacity(
                minimumWritableBytes: due.packets.bytes + due.packets.count * Self.headroomBytes
            )
            for place in due.packets.indices {
                player?.write(due, place, into: &writer.bytes, at: now)
                _ = link.seal(rtpIn: &writer)
            }
            next = player?.duePackets(at: now)
        }
        link.send(writer)
        return true
    }

    /// For header extensions and tag. Only allocations depend on it.
    private static let headroomBytes = 64

    private mutating func take(_ output: PublisherMedia.Output, at now: MonotonicInstant) {
        switch output {
        case .rtcp(let packets): send(packets)
        case .media(let published): events.append(.media(published))
        case .malformed: events.append(.refused(.malformedMedia))
        case .reordered: link.close(.reorderedPictures, at: now)
        case .silent: link.close(.publisherSilent, at: now)
        case .goodbye: goodbye(at: now)
        }
    }

    private mutating func take(_ output: ViewerMedia.Output, at now: MonotonicInstant) {
        switch output {
        case .rtcp(let packets): send(packets)
        case .keyframeWanted: events.append(.keyframeWanted)
        case .goodbye: goodbye(at: now)
        }
    }

    private mutating func goodbye(at now: MonotonicInstant) {
        link.close(.closedByPeer, at: now)
    }

    private mutating func send(_ packets: [RTCPPacket]) {
        var packets = packets
        if !reducedSizeRTCP, !startsWithReport(packets) {
            packets.insert(.receiverReport(ReceiverReport(ssrc: reportSSRC, blocks: [])), at: 0)
        }
        link.send(rtcp: RTCPPacket.encode(packets))
    }

    private func startsWithReport(_ packets: [RTCPPacket]) -> Bool {
        switch packets.first {
        case .senderReport, .receiverReport: true
        case .sourceDescription, .goodbye, .nack, .pictureLossIndication, .fullIntraRequest, .maximumBitrate,
            .transportFeedback, .other, nil:
            false
        }
    }

    private var reducedSizeRTCP: Bool { publisher?.reducedSizeRTCP ?? player?.reducedSizeRTCP ?? false }
    private var reportSSRC: SSRC { publisher?.reportSSRC ?? player?.reportSSRC ?? SSRC(0) }
}
