import DTLS
import SecureTransport
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// Two of our sessions with a path between them that may lose one datagram. OpenSSL's retransmission timer follows the real
/// clock: a deadline is slept through, and the sessions' time stands still else, however busy the machine is.
private final class DTLSPair {
    let client: any DTLSTransport
    let server: any DTLSTransport
    var clientOutputs: [DTLSOutput] = []
    var serverOutputs: [DTLSOutput] = []
    var datagramBytesMax = 0
    private var datagramCount = 0
    private let lost: Int?
    private var now = MonotonicInstant(nanoseconds: 0)

    init(
        client: DTLSContext,
        server: DTLSContext,
        clientExpects: [CertificateFingerprint]? = nil,
        serverExpects: [CertificateFingerprint]? = nil,
        losing lost: Int? = nil
    ) throws {
        self.lost = lost
        self.client = try client.makeTransport(
            role: .client,
            peerFingerprints: clientExpects ?? [server.fingerprint]
        )
        self.server = try server.makeTransport(
            role: .server,
            peerFingerprints: serverExpects ?? [client.fingerprint]
        )
    }

    /// Until both have said how it ended.
    func run() async throws {
        client.start(at: now)
        exchange()
        while clientOutputs.isEmpty || serverOutputs.isEmpty {
            let deadlines = [client.nextDeadline, server.nextDeadline].compactMap { $0 }
            guard let deadline = deadlines.min() else { return }
            if deadline > now {
                try await Task.sleep(for: deadline - now)
                now = deadline
            }
            client.timeoutReached(at: now)
            server.timeoutReached(at: now)
            exchange()
        }
    }

    func exchange() {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            while let output = client.nextOutput() {
                isQuiet = false
                if let datagram = carried(output, &clientOutputs) { server.receive(datagram, at: now) }
            }
            while let output = server.nextOutput() {
                isQuiet = false
                if let datagram = carried(output, &serverOutputs) { client.receive(datagram, at: now) }
            }
        }
    }

    private func carried(_ output: DTLSOutput, _ outputs: inout [DTLSOutput]) -> ByteBuffer? {
        guard case .transmit(let datagram) = output else {
            outputs.append(output)
            return nil
        }
        datagramBytesMax = max(datagramBytesMax, datagram.readableBytes)
        datagramCount += 1
        return datagramCount - 1 == lost ? nil : datagram
    }
}

@Suite struct DTLSTests {
    private func material(_ outputs: [DTLSOutput]) -> SRTPKeyingMaterial? {
        if case .established(let material)? = outputs.first { material } else { nil }
    }

    @Test func `both sides agree on AES-GCM and on crossed keys`() async throws {
        let pair = try DTLSPair(client: DTLSContext(), server: DTLSContext())
        try await pair.run()
        let client = try #require(material(pair.clientOutputs))
        let server = try #require(material(pair.serverOutputs))
        #expect(client.suite == .aeadAES128GCM && server.suite == .aeadAES128GCM)
        #expect(client.local == server.remote && client.remote == server.local)
        #expect(client.local != client.remote)
        #expect(client.local.key.count == 16 && client.local.salt.count == 12)
        #expect(pair.datagramBytesMax <= 1200)
    }

    @Test(arguments: 0..<12)
    func `a handshake outlives the loss of any one of its datagrams`(lost: Int) async throws {
        let pair = try DTLSPair(client: DTLSContext(), server: DTLSContext(), losing: lost)
        try await pair.run()
        #expect(material(pair.clientOutputs)?.local == material(pair.serverOutputs)?.remote)
        #expect(material(pair.clientOutputs) != nil)
    }

    @Test func `a certificate that was not promised ends the handshake without keys`() async throws {
        let (client, server, stranger) = (try DTLSContext(), try DTLSContext(), try DTLSContext())
        let pair = try DTLSPair(client: client, server: server, clientExpects: [stranger.fingerprint])
        try await pair.run()
        #expect(pair.clientOutputs == [.failed(.wrongFingerprint)])
        let other = try DTLSPair(client: client, server: server, serverExpects: [])
        try await other.run()
        #expect(other.serverOutputs == [.failed(.wrongFingerprint)])
    }

    @Test func `one right fingerprint among several is enough`() async throws {
        let (client, server, stranger) = (try DTLSContext(), try DTLSContext(), try DTLSContext())
        let expected = [stranger.fingerprint, server.fingerprint]
        let pair = try DTLSPair(client: client, server: server, clientExpects: expected)
        try await pair.run()
        #expect(material(pair.clientOutputs) != nil)
    }

    @Test func `a session that gets no answer is over at its deadline`() throws {
        let context = try DTLSContext()
        let zero = MonotonicInstant(nanoseconds: 0)
        for role in [DTLSRole.client, .server] {
            let session = try context.makeTransport(role: role, peerFingerprints: [])
            // Nobody has been found yet whom to shake hands with.
            #expect(session.nextDeadline == nil)
            session.timeoutReached(at: zero + .seconds(25))
            #expect(session.nextOutput() == nil)
            session.start(at: zero + .seconds(25))
            while session.nextOutput() != nil {}
            #expect(session.nextDeadline != nil)
            session.timeoutReached(at: zero + .seconds(34))
            while let output = session.nextOutput() { #expect(output != .failed(.timedOut)) }
            session.timeoutReached(at: zero + .seconds(35))
            #expect(session.nextOutput() == .failed(.timedOut))
            #expect(session.nextDeadline == nil)
        }
    }

    @Test func `noise in front of a handshake leaves it as it is, behind the check of record headers`() async throws {
        let pair = try DTLSPair(client: DTLSContext(), server: DTLSContext())
        var random = SplitMix64(seed: 9)
        let zero = MonotonicInstant(nanoseconds: 0)
        for length in 0..<200 {
            var noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            if length > 0 { noise[0] = 20 + UInt8(length % 44) }
            let datagram = ByteBuffer(bytes: noise)
            if DTLSRecord.areWhole(in: datagram) { pair.server.receive(datagram, at: zero) }
        }
        try await pair.run()
        #expect(material(pair.serverOutputs) != nil, "\(pair.serverOutputs), \(pair.clientOutputs)")
    }

    private static let record: [UInt8] = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2]

    @Test func `whole records are told from other datagrams`() {
        let record = Self.record
        let areWhole = { (bytes: [UInt8]) in DTLSRecord.areWhole(in: ByteBuffer(bytes: bytes)) }
        #expect(areWhole(record) && areWhole(record + record))
        for cut in 0..<record.count { #expect(!areWhole(Array(record.prefix(cut))), "\(cut) bytes") }
        #expect(!areWhole(record + [22]))
        for (place, byte) in [(0, 19), (0, 26), (1, 3), (2, 0xFC), (12, 0), (12, 3)] as [(Int, UInt8)] {
            var damaged = record
            damaged[place] = byte
            #expect(!areWhole(damaged), "byte \(place) is \(byte)")
        }
    }

    @Test func `a goodbye is heard`() async throws {
        let pair = try DTLSPair(client: DTLSContext(), server: DTLSContext())
        try await pair.run()
        pair.client.close(at: MonotonicInstant(nanoseconds: 0))
        pair.exchange()
        #expect(pair.serverOutputs.last == .closed)
    }

    @Test func `a fingerprint reads as SDP writes it, in either case`() throws {
        let own = try DTLSContext().fingerprint
        #expect(CertificateFingerprint(own.description) == own)
        #expect(CertificateFingerprint(own.description.lowercased()) == own)
        #expect(own.description.hasPrefix("sha-256 ") && own.bytes.count == 32)
        for text in ["", "sha-256", "sha-1 AA:BB", "sha-256 AA:BB", "sha-256 " + String(repeating: "GG:", count: 32)] {
            #expect(CertificateFingerprint(text) == nil, "\(text)")
        }
    }
}
