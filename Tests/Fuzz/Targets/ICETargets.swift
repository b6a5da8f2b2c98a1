import ICE
import Timebase

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    static let stun = FuzzTarget(
        "stun",
        invariant: "any bytes decode or throw, and what decodes encodes to bytes that decode to the same"
    ) { bytes throws(FuzzViolation) in
        guard let message = try? ReceivedStunMessage(decoding: ByteBuffer(bytes: bytes)).message else { return }
        var limits = ICELimits()
        // Room for seals that were not there before.
        limits.stunMessageBytesMax += 32
        limits.stunAttributeCountMax += 2
        let written = message.encoded(signedWith: "password")
        guard let again = try? ReceivedStunMessage(decoding: written, limits: limits) else {
            throw FuzzViolation("a message that was written does not read")
        }
        try require(again.message == message, "a message changed on its way")
        try require(again.isSigned(with: "password") && again.hasFingerprint, "the seals do not hold")
    }

    /// Datagrams in RFC 4571 framing, each on one of eight paths, a tenth of a second apart.
    static let iceLiteAgent = FuzzTarget(
        "ice-lite-agent",
        invariant:
            "framed datagrams are the same cut at every byte; an agent answers each once, and keeps 16 pairs at most"
    ) { bytes throws(FuzzViolation) in
        let datagrams = datagrams(in: [bytes])
        try require(Self.datagrams(in: bytes.map { [$0] }) == datagrams, "cutting at every byte changed the datagrams")
        guard let credentials = ICECredentials(userFragment: "srvr", password: "serverpasswordserverpw") else { return }
        let server = TransportAddress(.v4(0xC000_0201), 50_000)
        var now = MonotonicInstant(nanoseconds: 0)
        var agent = ICELiteAgent(credentials: credentials, localCandidates: [], at: now)
        for (index, datagram) in datagrams.enumerated() {
            let client = TransportAddress(.v4(0xC633_6400 + UInt32(index & 7)), 4_000)
            now = now + .milliseconds(100)
            agent.receive(datagram, on: TransportPath(.udp, local: server, remote: client), at: now)
            if let deadline = agent.nextDeadline, deadline <= now { agent.timeoutReached(at: now) }
            var answers = 0
            while let output = agent.nextOutput() {
                if case .transmit = output { answers += 1 }
            }
            try require(answers <= 1, "one datagram has several answers")
        }
        try require(agent.validPaths.count <= ICELimits().validPairCountMax, "there are more pairs than allowed")
        if let path = agent.sendPath {
            try require(agent.validPaths.contains(path), "data goes to a pair that is not valid")
        }
    }

    private static func datagrams(in pieces: [[UInt8]]) -> [ByteBuffer] {
        var reader = FramedDatagramReader()
        var datagrams: [ByteBuffer] = []
        for piece in pieces {
            reader.append(ByteBuffer(bytes: piece))
            do throws(FramedDatagramReader.Failure) {
                while let datagram = try reader.next() { datagrams.append(datagram) }
            } catch { return datagrams }
        }
        return datagrams
    }
}
