import DTLS
import ICE
import NIOCore
import RTP
import SDP
import SRTP
import SecureTransport
import Timebase
import WebRTC

/// The client's end of one WebRTC connection over one socket: ICE, DTLS and SRTP as the protocol engines do them.
final class ClientTransport {
    enum Received {
        /// The opened packet, in the bytes it came in.
        case rtp(length: Int)
        case rtcp(length: Int)
        case nothing
    }

    let credentials: ICECredentials
    private var ice: ICEClientAgent?
    private var dtls: (any DTLSTransport)?
    private var keys: (protector: any SRTPProtector, unprotector: any SRTPUnprotector)?
    private var path: TransportPath?
    private let certificate: DTLSContext

    /// One certificate serves all clients of a run: it costs more than a session.
    init(_ certificate: DTLSContext, using random: inout some RandomNumberGenerator) {
        self.certificate = certificate
        credentials = ICECredentials(using: &random)
    }

    var isOpen: Bool { keys != nil }

    /// What an offer says of this end.
    func local() throws -> LocalTransport {
        guard var local = LocalTransport(credentials, [], certificate.fingerprint) else {
            throw ViewerFailure.refused("no usable fingerprint")
        }
        local.isICELite = false
        return local
    }

    /// Checks the way to the candidate that `socket` is connected to.
    func begin(_ negotiation: Negotiation, to candidate: Candidate, on socket: Connection, at now: MonotonicInstant)
        throws
    {
        let remote = negotiation.remote
        guard let theirs = ICECredentials(userFragment: remote.userFragment, password: remote.password) else {
            throw ViewerFailure.refused("the answer's ICE credentials are none")
        }
        // The socket is connected, so its own address is only a name here.
        let local = TransportAddress(candidate.address.ip.isV4 ? .v4(0x7F00_0001) : .v6(high: 0, low: 1), 9)
        path = TransportPath(.udp, local: local, remote: candidate.address)
        var random = SystemRandomNumberGenerator()
        ice = ICEClientAgent(
            credentials: credentials,
            remoteCredentials: theirs,
            localAddresses: [local],
            at: now,
            using: &random
        )
        dtls = try certificate.makeTransport(
            role: negotiation.isDTLSClient ? .client : .server,
            peerFingerprints: negotiation.certificates
        )
        ice?.add(candidate, at: now)
        try drain(on: socket, at: now)
    }

    func receive(_ bytes: UnsafeMutableRawBufferPointer, on socket: Connection, at now: MonotonicInstant) throws
        -> Received
    {
        guard let path, let first = bytes.first else { return .nothing }
        // RFC 7983 §7, and RFC 5761 §4 for what is RTCP.
        switch first {
        case 128...191:
            guard let keys, bytes.count > 1 else { return .nothing }
            if (192...223).contains(bytes[1]) { return .rtcp(length: try keys.unprotector.unprotect(rtcp: bytes)) }
            return .rtp(length: try keys.unprotector.unprotect(rtp: bytes))
        case 20...63: dtls?.receive(ByteBuffer(bytes: bytes), at: now)
        case 0...3: ice?.receive(ByteBuffer(bytes: bytes), on: path, at: now)
        default: return .nothing
        }
        try drain(on: socket, at: now)
        return .nothing
    }

    func send(rtp packet: ByteBuffer, on socket: Connection) throws {
        var packet = packet
        guard let keys else { return }
        try keys.protector.protect(rtp: &packet, from: packet.readerIndex)
        try socket.send(datagram: packet)
    }

    func send(rtcp packets: [RTCPPacket], on socket: Connection) throws {
        var bytes = RTCPPacket.encode(packets)
        guard let keys else { return }
        try keys.protector.protect(rtcp: &bytes, from: bytes.readerIndex)
        try socket.send(datagram: bytes)
    }

    /// Says goodbye; who has gone already does not hear it.
    func close(on socket: Connection, at now: MonotonicInstant) {
        dtls?.close(at: now)
        try? drain(on: socket, at: now)
    }

    func timePassed(on socket: Connection, at now: MonotonicInstant) throws {
        if let deadline = ice?.nextDeadline, deadline <= now { ice?.timeoutReached(at: now) }
        if let dtls, let deadline = dtls.nextDeadline, deadline <= now { dtls.timeoutReached(at: now) }
        try drain(on: socket, at: now)
    }

    private func drain(on socket: Connection, at now: MonotonicInstant) throws {
        while let output = ice?.nextOutput() {
            switch output {
            case .transmit(let datagram, _): try socket.send(datagram: datagram)
            case .event(.connected): dtls?.start(at: now)
            case .event(.failed(let failure)): throw ViewerFailure.refused("ICE: \(failure)")
            case .event(.refused): break
            }
        }
        while let output = dtls?.nextOutput() {
            switch output {
            case .transmit(let datagram): try socket.send(datagram: datagram)
            case .established(let material):
                let srtp = EVPSRTP()
                keys = (try srtp.makeProtector(material), try srtp.makeUnprotector(material))
            case .failed(let error): throw ViewerFailure.refused("\(error)")
            case .closed: throw ViewerFailure.closedByServer
            }
        }
    }
}
