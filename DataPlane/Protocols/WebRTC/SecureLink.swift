import DequeModule
package import ICE
package import SecureTransport
package import Timebase

package import struct NIOCore.ByteBuffer

/// The way to one peer: ICE finds it, DTLS proves who is there, SRTP hides what passes (RFC 8835 §3.4, RFC 5764).
///
///     checking ──first valid pair──► shaking hands ──fingerprint right──► open ──► over
///
/// Only datagrams from a path that a signed check has shown to be the peer's reach DTLS and SRTP; of DTLS only whole
/// records, as OpenSSL gives up a handshake over noise in front of the first.
///
/// Contract: make one mutation, drain `nextOutput()` until nil, then sleep until `nextDeadline`.
package struct SecureLink: ~Copyable {
    package enum Output: Sendable {
        case transmit(DatagramRun, on: TransportPath)
        /// Media may flow.
        case opened(SRTPSuite)
        case rtp(ByteBuffer)
        case rtcp(ByteBuffer)
        case refused(PeerRefusal)
        case over(PeerEnd)
    }

    private struct Keys {
        var protector: any SRTPProtector
        var unprotector: any SRTPUnprotector
    }

    /// Authenticated media proves consent; telling ICE of each packet would cost more than it says.
    private static let signOfLifeInterval = Duration.seconds(1)

    private var ice: ICELiteAgent
    private let dtls: any DTLSTransport
    private let srtp: any SRTPFactory
    private var keys: Keys?
    private var hasBegunHandshake = false
    private var isOver = false
    private var lastSignOfLife: MonotonicInstant?
    private var outputs = Deque<Output>()

    package init(ice: consuming ICELiteAgent, dtls: any DTLSTransport, srtp: any SRTPFactory) {
        self.ice = ice
        self.dtls = dtls
        self.srtp = srtp
    }

    package var isOpen: Bool { keys != nil && !isOver }
    package var sendPath: TransportPath? { ice.sendPath }
    package var validPaths: [TransportPath] { ice.validPaths }
    package var userFragments: [String] { ice.userFragments }

    package var nextDeadline: MonotonicInstant? {
        isOver ? nil : MonotonicInstant.earlier(ice.nextDeadline, dtls.nextDeadline)
    }

    package mutating func nextOutput() -> Output? { outputs.popFirst() }

    // MARK: Network

    package mutating func receive(_ datagram: ByteBuffer, on path: TransportPath, at now: MonotonicInstant) {
        guard !isOver else { return }
        switch DatagramKind(of: datagram) {
        case .stun:
            ice.receive(datagram, on: path, at: now)
            drainICE(at: now)
        case .dtls: receive(dtls: datagram, on: path, at: now)
        case .rtp: receive(media: datagram, isRTCP: false, on: path, at: now)
        case .rtcp: receive(media: datagram, isRTCP: true, on: path, at: now)
        case .unknown: outputs.append(.refused(.unknownProtocol))
        }
    }

    package mutating func receive(_ check: ReceivedStunMessage, on path: TransportPath, at now: MonotonicInstant) {
        guard !isOver else { return }
        ice.receive(check, on: path, at: now)
        drainICE(at: now)
    }

    package mutating func pathClosed(_ path: TransportPath, at now: MonotonicInstant) {
        ice.pathClosed(path, at: now)
        drainICE(at: now)
    }

    package mutating func timeoutReached(at now: MonotonicInstant) {
        guard !isOver else { return }
        ice.timeoutReached(at: now)
        drainICE(at: now)
        dtls.timeoutReached(at: now)
        drainDTLS(at: now)
    }

    // MARK: The application's wishes

    package mutating func restart(credentials: ICECredentials, at now: MonotonicInstant) {
        ice.restart(credentials: credentials, at: now)
    }

    /// Encrypts the packet at the end of `writer`. False when there are no keys, or no more; then it is gone.
    mutating func seal(rtpIn writer: inout DatagramRunWriter) -> Bool { seal(&writer, isRTCP: false) }

    mutating func send(rtcp packet: ByteBuffer) {
        var writer = DatagramRunWriter()
        writer.bytes = packet
        if seal(&writer, isRTCP: true) { send(writer) }
    }

    /// Sends what was sealed.
    mutating func send(_ writer: DatagramRunWriter) {
        guard let path = ice.sendPath, !isOver else { return }
        for run in writer.runs() { outputs.append(.transmit(run, on: path)) }
    }

    /// The peer said goodbye in RTCP, or its media cannot be used.
    mutating func close(_ reason: PeerEnd, at now: MonotonicInstant) {
        guard !isOver else { return }
        dtls.close(at: now)
        drainDTLS(at: now)
        end(reason)
    }

    // MARK: Parts

    private mutating func receive(dtls datagram: ByteBuffer, on path: TransportPath, at now: MonotonicInstant) {
        guard ice.validPaths.contains(path) else { return outputs.append(.refused(.unvalidatedPath)) }
        guard DTLSRecord.areWhole(in: datagram) else { return outputs.append(.refused(.noDTLSRecord)) }
        dtls.receive(datagram, at: now)
        drainDTLS(at: now)
    }

    private mutating func receive(
        media datagram: ByteBuffer,
        isRTCP: Bool,
        on path: TransportPath,
        at now: MonotonicInstant
    ) {
        guard ice.validPaths.contains(path) else { return outputs.append(.refused(.unvalidatedPath)) }
        guard let keys else { return outputs.append(.refused(.beforeKeys)) }
        var packet = datagram
        do throws(SRTPError) {
            if isRTCP {
                try keys.unprotector.unprotect(rtcp: &packet)
            } else {
                try keys.unprotector.unprotect(rtp: &packet)
            }
        } catch { return outputs.append(.refused(.srtp(error))) }
        signOfLife(on: path, at: now)
        outputs.append(isRTCP ? .rtcp(packet) : .rtp(packet))
    }

    private mutating func signOfLife(on path: TransportPath, at now: MonotonicInstant) {
        if let lastSignOfLife, now - lastSignOfLife < Self.signOfLifeInterval { return }
        lastSignOfLife = now
        ice.authenticatedDataReceived(on: path, at: now)
        drainICE(at: now)
    }

    private mutating func seal(_ writer: inout DatagramRunWriter, isRTCP: Bool) -> Bool {
        guard let protector = keys?.protector, !isOver else {
            writer.discardDatagram()
            return false
        }
        let start = writer.datagramStart
        do throws(SRTPError) {
            if isRTCP {
                try protector.protect(rtcp: &writer.bytes, from: start)
            } else {
                try protector.protect(rtp: &writer.bytes, from: start)
            }
        } catch {
            writer.discardDatagram()
            end(.srtp(error))
            return false
        }
        writer.endDatagram()
        return true
    }

    private mutating func drainICE(at now: MonotonicInstant) {
        while let output = ice.nextOutput() {
            switch output {
            case .transmit(let datagram, let path): outputs.append(.transmit(DatagramRun(datagram), on: path))
            case .event(.sendPathChanged): beginHandshake(at: now)
            case .event(.restarted): break
            case .event(.refused(let refusal, _)): outputs.append(.refused(.ice(refusal)))
            case .event(.failed(let failure)): end(.ice(failure))
            }
        }
    }

    private mutating func beginHandshake(at now: MonotonicInstant) {
        guard !hasBegunHandshake else { return }
        hasBegunHandshake = true
        dtls.start(at: now)
        drainDTLS(at: now)
    }

    private mutating func drainDTLS(at now: MonotonicInstant) {
        while let output = dtls.nextOutput() {
            switch output {
            // Without a path it is lost, and sent again by the handshake's timer.
            case .transmit(let datagram):
                if let path = ice.sendPath { outputs.append(.transmit(DatagramRun(datagram), on: path)) }
            case .established(let material): open(material)
            case .failed(let error): end(.dtls(error))
            case .closed: end(.closedByPeer)
            }
        }
    }

    private mutating func open(_ material: SRTPKeyingMaterial) {
        do throws(SRTPError) {
            keys = Keys(
                protector: try srtp.makeProtector(material),
                unprotector: try srtp.makeUnprotector(material)
            )
            outputs.append(.opened(material.suite))
        } catch { end(.srtp(error)) }
    }

    private mutating func end(_ reason: PeerEnd) {
        guard !isOver else { return }
        isOver = true
        outputs.append(.over(reason))
    }
}
