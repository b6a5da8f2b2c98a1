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
    case transmit(ByteBuffer, on: TransportPath)
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

    private enum Media {
        case publisher(PublisherMedia)
        case player(ViewerMedia)
    }

    package let role: Role
    private var link: SecureLink
    private var media: Media
    private let limits: PeerLimits
    private var events = Deque<PeerEvent>()

    package init(
        _ role: Role,
        _ negotiation: Negotiation,
        link: consuming SecureLink,
        limits: PeerLimits = PeerLimits(),
        wall: WallTime,
        at now: MonotonicInstant,
        using random: inout some RandomNumberGenerator
    ) {
        self.role = role
        self.link = link
        self.limits = limits
        media =
            switch role {
            case .publisher: .publisher(PublisherMedia(negotiation, limits: limits, using: &random))
            case .player: .player(ViewerMedia(negotiation, limits: limits, wall: wall, at: now, using: &random))
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
        let media =
            switch media {
            case .publisher(let publisher): publisher.nextDeadline
            case .player(let player): link.isOpen ? player.nextDeadline : nil
            }
        return [link.nextDeadline, media].compactMap { $0 }.min()
    }

    package var estimatedBitsPerSecond: Int? {
        switch media {
        case .publisher: nil
        case .player(let player): player.estimatedBitsPerSecond
        }
    }

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
        switch media {
        case .publisher(var publisher):
            publisher.timeoutReached(at: now)
            media = .publisher(publisher)
        case .player(var player):
            player.timeoutReached(at: now)
            media = .player(player)
        }
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

    /// The frames since the last keyframe, for a player that has just been opened.
    package mutating func start(with cached: [PacketizedFrame], at now: MonotonicInstant) {
        withPlayer { $0.start(with: cached, at: now) }
    }

    /// The next frame of the stream; without effect on a publisher, and before the keys.
    package mutating func send(_ frame: PacketizedFrame, at now: MonotonicInstant) {
        guard link.isOpen else { return }
        withPlayer { $0.send(frame, at: now) }
    }

    /// Frames are missing between the last and the next: pictures go on at a keyframe.
    package mutating func interrupt() { withPlayer { $0.interrupt() } }

    /// Asks a publisher for a keyframe, at most once a second.
    package mutating func wantKeyframe(at now: MonotonicInstant) {
        guard case .publisher(var publisher) = media else { return }
        publisher.wantKeyframe(at: now)
        media = .publisher(publisher)
    }

    package mutating func restart(credentials: ICECredentials, at now: MonotonicInstant) {
        link.restart(credentials: credentials, at: now)
    }

    /// Says goodbye to the peer.
    package mutating func close(at now: MonotonicInstant) {
        if link.isOpen { send([.goodbye(Goodbye(sources: [reportSSRC]))]) }
        link.close(at: now)
    }

    // MARK: Parts

    private mutating func withPlayer(_ body: (inout ViewerMedia) -> Void) {
        guard case .player(var player) = media else { return }
        body(&player)
        media = .player(player)
    }

    private mutating func take(_ output: SecureLink.Output, at now: MonotonicInstant) -> PeerOutput? {
        switch output {
        case .transmit(let datagram, let path): return .transmit(datagram, on: path)
        case .opened(let suite): return .event(.opened(suite))
        case .refused(let refusal): return .event(.refused(refusal))
        case .over(let end): return .event(.over(end))
        case .rtp(let packet):
            guard case .publisher(var publisher) = media else { return nil }
            publisher.receive(rtp: packet, at: now)
            media = .publisher(publisher)
        case .rtcp(let packet): receive(rtcp: packet, at: now)
        }
        return nil
    }

    private mutating func receive(rtcp packet: ByteBuffer, at now: MonotonicInstant) {
        let packets: [RTCPPacket]
        do throws(RTPError) {
            packets = Array(try RTCPPacket.parse(packet).prefix(limits.rtcpPacketsMax))
        } catch { return events.append(.refused(.malformedMedia)) }
        switch media {
        case .publisher(var publisher):
            publisher.receive(packets, at: now)
            media = .publisher(publisher)
        case .player(var player):
            player.receive(packets, at: now)
            media = .player(player)
        }
    }

    /// False when the media has nothing to say.
    private mutating func takeMedia(at now: MonotonicInstant) -> Bool {
        switch media {
        case .publisher(var publisher):
            let output = publisher.nextOutput()
            media = .publisher(publisher)
            guard let output else { return false }
            take(output, at: now)
        case .player(var player):
            let output = player.nextOutput(at: now)
            media = .player(player)
            guard let output else { return false }
            take(output, at: now)
        }
        return true
    }

    private mutating func take(_ output: PublisherMedia.Output, at now: MonotonicInstant) {
        switch output {
        case .rtcp(let packets): send(packets)
        case .media(let published): events.append(.media(published))
        case .malformed: events.append(.refused(.malformedMedia))
        case .goodbye: goodbye(at: now)
        }
    }

    private mutating func take(_ output: ViewerMedia.Output, at now: MonotonicInstant) {
        switch output {
        case .rtp(let packet): _ = link.send(rtp: packet)
        case .rtcp(let packets): send(packets)
        case .keyframeWanted: events.append(.keyframeWanted)
        case .goodbye: goodbye(at: now)
        }
    }

    private mutating func goodbye(at now: MonotonicInstant) {
        link.closedByPeer(at: now)
    }

    private mutating func send(_ packets: [RTCPPacket]) {
        var packets = packets
        if !reducedSizeRTCP, !startsWithReport(packets) {
            packets.insert(.receiverReport(ReceiverReport(ssrc: reportSSRC, blocks: [])), at: 0)
        }
        _ = link.send(rtcp: RTCPPacket.encode(packets))
    }

    private func startsWithReport(_ packets: [RTCPPacket]) -> Bool {
        switch packets.first {
        case .senderReport, .receiverReport: true
        case .sourceDescription, .goodbye, .nack, .pictureLossIndication, .fullIntraRequest, .maximumBitrate,
            .transportFeedback, .other, nil:
            false
        }
    }

    private var reducedSizeRTCP: Bool {
        switch media {
        case .publisher(let publisher): publisher.reducedSizeRTCP
        case .player(let player): player.reducedSizeRTCP
        }
    }

    private var reportSSRC: SSRC {
        switch media {
        case .publisher(let publisher): publisher.reportSSRC
        case .player(let player): player.reportSSRC
        }
    }
}
