import ICE
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// Test vectors are written in hexadecimal; blanks and line breaks mean nothing.
func hex(_ text: String) -> ByteBuffer {
    let digits = text.compactMap(\.hexDigitValue)
    return ByteBuffer(
        bytes: stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    )
}

func address(_ text: String, _ port: UInt16) -> TransportAddress {
    TransportAddress(text, port: port) ?? TransportAddress(.v4(0), 0)
}

func seconds(_ value: Double) -> MonotonicInstant { MonotonicInstant(nanoseconds: Int64(value * 1e9)) }

/// The peers of these tests: a server at 192.0.2.1:50000 and clients elsewhere.
enum Scene {
    static let server = address("192.0.2.1", 50_000)
    static let serverCredentials = credentials("srvr", "serverpasswordserverpw")
    static let renewedCredentials = credentials("next", "renewedpasswordrenewed")
    static let clientCredentials = credentials("clnt", "clientpasswordclientpw")

    static func credentials(_ fragment: String, _ password: String) -> ICECredentials {
        var random = SplitMix64(seed: 1)
        return ICECredentials(userFragment: fragment, password: password) ?? ICECredentials(using: &random)
    }

    static func path(_ ip: String, _ port: UInt16 = 4000, _ transport: TransportPath.Transport = .udp) -> TransportPath
    {
        TransportPath(transport, local: server, remote: address(ip, port))
    }

    static let candidates = Candidate.forServer(addresses: [server.ip], udpPort: 50_000, tcpPort: 50_000)
    static let hostPriority = Candidate.priority(.host, .udp, localPreference: 65_535)
    static let reflexivePriority = Candidate.priority(.peerReflexive, .udp, localPreference: 65_535)
}

/// A check as a client sends it; each part can be made wrong.
struct Check {
    var id = StunTransactionID(high: 1, low: 2)
    var username: String? = "srvr:clnt"
    var password: String? = Scene.serverCredentials.password
    var priority: UInt32? = Scene.reflexivePriority
    var role: StunAttribute? = .iceControlling(7)
    var nominates = false
    var others: [StunAttribute] = []

    static func with(_ change: (inout Self) -> Void) -> Self {
        var check = Self()
        change(&check)
        return check
    }

    static let nominating = with { $0.nominates = true }

    var message: StunMessage {
        var attributes: [StunAttribute] = []
        if let username { attributes.append(.username(username)) }
        if let priority { attributes.append(.priority(priority)) }
        if let role { attributes.append(role) }
        if nominates { attributes.append(.useCandidate) }
        return StunMessage(.request, transactionID: id, attributes: attributes + others)
    }

    var bytes: ByteBuffer { message.encoded(signedWith: password) }

    /// What the server answers when all is right.
    func success(to source: TransportAddress) -> ByteBuffer {
        StunMessage(.success, transactionID: id, attributes: [.xorMappedAddress(source)])
            .encoded(signedWith: Scene.serverCredentials.password)
    }

    func failure(_ code: StunErrorCode, signed: Bool, _ others: StunAttribute...) -> ByteBuffer {
        StunMessage(.error, transactionID: id, attributes: [.errorCode(code)] + others)
            .encoded(signedWith: signed ? Scene.serverCredentials.password : nil)
    }
}

/// Owns an agent, as a driver does.
final class LiteDriver {
    typealias Output = ICEOutput<ICELiteAgent.Event>

    var agent: ICELiteAgent

    init(limits: ICELimits = ICELimits(), at now: MonotonicInstant = seconds(0)) {
        agent = ICELiteAgent(
            credentials: Scene.serverCredentials,
            localCandidates: Scene.candidates,
            limits: limits,
            at: now
        )
    }

    func drain() -> [Output] {
        var outputs: [Output] = []
        while let output = agent.nextOutput() { outputs.append(output) }
        return outputs
    }

    @discardableResult
    func receive(_ check: Check, on path: TransportPath, at now: MonotonicInstant) -> [Output] {
        receive(check.bytes, on: path, at: now)
    }

    @discardableResult
    func receive(_ bytes: ByteBuffer, on path: TransportPath, at now: MonotonicInstant) -> [Output] {
        agent.receive(bytes, on: path, at: now)
        return drain()
    }

    /// The events alone.
    func events(_ check: Check, on path: TransportPath, at now: MonotonicInstant) -> [ICELiteAgent.Event] {
        receive(check, on: path, at: now).compactMap { if case .event(let event) = $0 { event } else { nil } }
    }

    func timeout(at now: MonotonicInstant) -> [Output] {
        agent.timeoutReached(at: now)
        return drain()
    }
}
