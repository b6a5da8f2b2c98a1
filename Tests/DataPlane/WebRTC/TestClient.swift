import DTLS
import ICE
import RTP
import SDP
import SRTP
import SecureTransport
import TestSupport
import Timebase
import WebRTC

import struct NIOCore.ByteBuffer

/// A client of one session, made of real parts, on a path without loss unless one is given. Time is virtual, but for the library's DTLS timer,
/// which nothing here waits for.
final class TestClient {
    static let path = TransportPath(
        .udp,
        local: TransportAddress(.v4(0x7F00_0001), 50_000),
        remote: TransportAddress(.v4(0x7F00_0001), 40_000)
    )

    let context: DTLSContext
    private(set) var packets: [RTPPacket] = []
    private(set) var reports: [RTCPPacket] = []
    private(set) var events: [PeerEvent] = []
    private(set) var openings = 0
    var isOpen: Bool { openings > 0 }
    private var ice: ICEClientAgent
    private let dtls: any DTLSTransport
    private var keys: (protector: any SRTPProtector, unprotector: any SRTPUnprotector)?
    private var hasBegun = false
    private var outbox: [ByteBuffer] = []
    private var up = SimulatedLink<ByteBuffer>(PeerPair.Path())
    private var down = SimulatedLink<ByteBuffer>(PeerPair.Path())

    init(
        to server: CertificateFingerprint,
        credentials: ICECredentials,
        remote: ICECredentials,
        context: DTLSContext,
        role: DTLSRole
    ) throws {
        self.context = context
        let zero = MonotonicInstant(nanoseconds: 0)
        ice = Self.agent(credentials, remote, at: zero)
        dtls = try context.makeTransport(role: role, peerFingerprints: [server])
    }

    /// New credentials on both sides; the keys stay.
    func restart(_ credentials: ICECredentials, remote: ICECredentials, at now: MonotonicInstant) {
        ice = Self.agent(credentials, remote, at: now)
    }

    func travel(_ path: PeerPair.Path) {
        up = SimulatedLink(path)
        var back = path
        back.seed &+= 1_000
        down = SimulatedLink(back, bitsPerSecond: path.bitsPerSecond)
    }

    private static func agent(_ own: ICECredentials, _ remote: ICECredentials, at now: MonotonicInstant)
        -> ICEClientAgent
    {
        var random = SplitMix64(seed: 7)
        var agent = ICEClientAgent(
            credentials: own,
            remoteCredentials: remote,
            localAddresses: [path.remote],
            at: now,
            using: &random
        )
        let candidates = Candidate.forServer(addresses: [path.local.ip], udpPort: 50_000, tcpPort: nil)
        for candidate in candidates { agent.add(candidate, at: now) }
        return agent
    }

    /// Carries datagrams both ways until neither side has one, firing timers that are due.
    func exchange(_ session: inout PeerSession, at now: MonotonicInstant) throws {
        ice.timeoutReached(at: now)
        session.timeoutReached(at: now)
        var isBusy = true
        while isBusy {
            isBusy = false
            drain(at: now)
            for datagram in outbox { up.send(datagram, at: now) }
            outbox = []
            while let datagram = up.receive(at: now) {
                isBusy = true
                session.receive(datagram, on: Self.path, at: now)
            }
            while let output = session.nextOutput(at: now) {
                isBusy = true
                switch output {
                case .transmit(let run, _):
                    for datagram in run.datagrams { down.send(datagram, bytes: datagram.readableBytes + 28, at: now) }
                case .event(let event): events.append(event)
                }
            }
            while let datagram = down.receive(at: now) {
                isBusy = true
                try receive(datagram, at: now)
            }
        }
    }

    func send(rtp packet: RTPPacket) throws {
        var bytes = packet.encoded
        try keys?.protector.protect(rtp: &bytes, from: 0)
        outbox.append(bytes)
    }

    func send(rtcp packets: [RTCPPacket]) throws {
        var bytes = RTCPPacket.encode(packets)
        try keys?.protector.protect(rtcp: &bytes, from: 0)
        outbox.append(bytes)
    }

    func send(_ datagram: ByteBuffer) { outbox.append(datagram) }

    private func receive(_ datagram: ByteBuffer, at now: MonotonicInstant) throws {
        // The client's view of the same path.
        let mine = TransportPath(.udp, local: Self.path.remote, remote: Self.path.local)
        switch DatagramKind(of: datagram) {
        case .stun: ice.receive(datagram, on: mine, at: now)
        case .dtls: dtls.receive(datagram, at: now)
        case .rtp:
            var packet = datagram
            try keys?.unprotector.unprotect(rtp: &packet)
            packets.append(try RTPPacket(parsing: packet))
        case .rtcp:
            var packet = datagram
            try keys?.unprotector.unprotect(rtcp: &packet)
            reports += try RTCPPacket.parse(packet)
        case .unknown: break
        }
        drain(at: now)
    }

    private func drain(at now: MonotonicInstant) {
        while let output = ice.nextOutput() {
            switch output {
            case .transmit(let datagram, _): outbox.append(datagram)
            case .event(.connected):
                if !hasBegun { dtls.start(at: now) }
                hasBegun = true
            case .event: break
            }
        }
        while let output = dtls.nextOutput() {
            switch output {
            case .transmit(let datagram): outbox.append(datagram)
            case .established(let material):
                openings += 1
                let srtp = EVPSRTP()
                if let protector = try? srtp.makeProtector(material),
                    let unprotector = try? srtp.makeUnprotector(material)
                {
                    keys = (protector, unprotector)
                }
            case .failed, .closed: break
            }
        }
    }
}

extension SimulatedLink {
    fileprivate init(_ path: PeerPair.Path, bitsPerSecond: Int? = nil) {
        var conditions = Conditions()
        conditions.lossPerMille = path.lossPerMille
        conditions.latency = path.latency
        conditions.jitterMaxMilliseconds = path.jitterMaxMilliseconds
        conditions.bitsPerSecond = bitsPerSecond
        self.init(seed: path.seed, conditions: conditions)
    }
}
