import struct NIOCore.ByteBuffer

/// The server's half of the handshake (RTMP 1.0 §5.2), answering in the signed form when the client's C1 is signed.
///
///     C0 C1 -->      version 3, then time 4, zero or version 4, random 1528
///           <-- S0 S1 S2
///     C2    -->      not verified: many clients echo carelessly, and nothing depends on it
struct ServerHandshake {
    enum Progress: Equatable {
        case waiting
        case answer(ByteBuffer)
        case finished
    }

    private enum State {
        case awaitingC0C1
        case awaitingC2
    }

    private var state = State.awaitingC0C1
    private let random: [UInt8]

    init(using random: inout some RandomNumberGenerator) {
        self.random = handshakeRandom(using: &random)
    }

    /// Takes what it needs from the front of `input`.
    mutating func advance(_ input: inout ByteBuffer) throws(RTMPError) -> Progress {
        switch state {
        case .awaitingC0C1:
            try checkHandshakeVersion(of: input)
            guard let c0c1 = input.readBytes(length: 1 + HandshakeDigest.blockLength) else { return .waiting }
            state = .awaitingC2
            return .answer(answer(to: Array(c0c1.dropFirst())))
        case .awaitingC2:
            guard input.readableBytes >= HandshakeDigest.blockLength else { return .waiting }
            input.moveReaderIndex(forwardBy: HandshakeDigest.blockLength)
            return .finished
        }
    }

    private func answer(to c1: [UInt8]) -> ByteBuffer {
        var s1 = random
        var s2 = c1
        s1.replaceSubrange(0..<8, with: repeatElement(0, count: 8))
        // An unsigned C1 has zero here; a signed one the client's version.
        let isSigned = c1[4..<8].contains { $0 != 0 }
        if isSigned, let signature = HandshakeDigest.find(in: c1, key: HandshakeDigest.clientKey) {
            // From version 3.0 on clients expect a signed S1.
            s1.replaceSubrange(4..<8, with: [5, 0, 0, 1])
            HandshakeDigest.sign(&s1, scheme: signature.scheme, key: HandshakeDigest.serverKey)
            s2 = random
            HandshakeDigest.answer(&s2, to: signature.digest, key: HandshakeDigest.serverKey)
        }
        return ByteBuffer(bytes: [3] + s1 + s2)
    }
}

/// The client's half, in the unsigned form that every server accepts.
struct ClientHandshake {
    enum Progress: Equatable {
        case waiting
        /// Send this C2; the handshake is done.
        case finished(ByteBuffer)
    }

    let c0c1: ByteBuffer

    init(using random: inout some RandomNumberGenerator) {
        var c1 = handshakeRandom(using: &random)
        c1.replaceSubrange(0..<8, with: repeatElement(0, count: 8))
        c0c1 = ByteBuffer(bytes: [3] + c1)
    }

    mutating func advance(_ input: inout ByteBuffer) throws(RTMPError) -> Progress {
        try checkHandshakeVersion(of: input)
        guard input.readableBytes >= 1 + 2 * HandshakeDigest.blockLength,
            let s1 = input.getSlice(at: input.readerIndex + 1, length: HandshakeDigest.blockLength)
        else { return .waiting }
        input.moveReaderIndex(forwardBy: 1 + 2 * HandshakeDigest.blockLength)
        return .finished(s1)
    }
}

/// The first byte alone decides, so that a peer that speaks another protocol is told off at once.
private func checkHandshakeVersion(of input: ByteBuffer) throws(RTMPError) {
    guard let version = input.getInteger(at: input.readerIndex, as: UInt8.self) else { return }
    guard version == 3 else { throw .unsupportedVersion(version) }
}

private func handshakeRandom(using random: inout some RandomNumberGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(HandshakeDigest.blockLength)
    while bytes.count < HandshakeDigest.blockLength {
        let word = random.next() as UInt64
        withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
    }
    return bytes
}
