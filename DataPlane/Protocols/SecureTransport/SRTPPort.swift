package import struct NIOCore.ByteBuffer

/// A protection profile of DTLS-SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2), in our order of preference.
package enum SRTPSuite: String, CaseIterable, Hashable, Sendable {
    case aeadAES128GCM = "SRTP_AEAD_AES_128_GCM"
    case aes128CMSHA1_80 = "SRTP_AES128_CM_HMAC_SHA1_80"

    package var keyBytes: Int { 16 }

    package var saltBytes: Int {
        switch self {
        case .aeadAES128GCM: 12
        case .aes128CMSHA1_80: 14
        }
    }

    package var tagBytes: Int {
        switch self {
        case .aeadAES128GCM: 16
        case .aes128CMSHA1_80: 10
        }
    }
}

/// A master key with its salt (RFC 3711 §3.2.1). Never logged.
package struct SRTPMasterKey: Hashable, Sendable, CustomStringConvertible {
    package let key: [UInt8]
    package let salt: [UInt8]

    package init(key: [UInt8], salt: [UInt8]) {
        self.key = key
        self.salt = salt
    }

    package var description: String { "[redacted]" }
}

/// What a DTLS handshake agreed on for the media beside it.
package struct SRTPKeyingMaterial: Hashable, Sendable {
    package var suite: SRTPSuite
    /// Protects what we send.
    package var local: SRTPMasterKey
    /// Opens what the peer sends.
    package var remote: SRTPMasterKey

    package init(suite: SRTPSuite, local: SRTPMasterKey, remote: SRTPMasterKey) {
        self.suite = suite
        self.local = local
        self.remote = remote
    }
}

package enum SRTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not the peer's, or damaged on the way.
    case unauthenticated
    /// Came before, or is older than the replay window (RFC 3711 §3.3.2).
    case replayed
    case malformed(String)
    /// The peer uses more sources than a session may have.
    case tooManySources(max: Int)
    case cryptography(String)

    package var description: String {
        switch self {
        case .unauthenticated: "the SRTP packet does not authenticate and was dropped; the peer's keys are not ours"
        case .replayed: "the SRTP packet came before and was dropped"
        case .malformed(let reason): "the SRTP packet is malformed: \(reason); it was dropped"
        case .tooManySources(let max): "the peer sends from more than \(max) sources; the packet was dropped"
        case .cryptography(let text): "the SRTP library refused: \(text); check its installation"
        }
    }
}

/// Protects one direction of a session in place. Belongs to one event loop.
package protocol SRTPProtector: AnyObject {
    /// `bytes` holds a packet of `length` bytes and room for `SRTP.overheadBytesMax` more. Returns the new length.
    func protect(rtp bytes: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int
    func protect(rtcp bytes: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int
}

/// Checks and opens one direction of a session in place. Belongs to one event loop.
package protocol SRTPUnprotector: AnyObject {
    /// Returns the length of the packet that lies at the begin of `bytes` afterwards.
    func unprotect(rtp bytes: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int
    func unprotect(rtcp bytes: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int
}

package enum SRTP {
    /// The longest tag and, for SRTCP, the index.
    package static let overheadBytesMax = 16 + 4
    /// Sources of one session: a simulcast has three layers with an RTX stream each, and sound.
    package static let sourcesMax = 64
}

extension SRTPProtector {
    /// Protects the packet that reaches from `start` to the end of `buffer`, where it stands.
    package func protect(rtp buffer: inout ByteBuffer, from start: Int) throws(SRTPError) {
        try inPlace(&buffer, from: start) { bytes, length throws(SRTPError) in try protect(rtp: bytes, length: length) }
    }

    package func protect(rtcp buffer: inout ByteBuffer, from start: Int) throws(SRTPError) {
        try inPlace(&buffer, from: start) { bytes, length throws(SRTPError) in try protect(rtcp: bytes, length: length)
        }
    }

    private func inPlace(
        _ buffer: inout ByteBuffer,
        from start: Int,
        _ body: (UnsafeMutableRawBufferPointer, Int) throws(SRTPError) -> Int
    ) throws(SRTPError) {
        precondition(start >= buffer.readerIndex && start <= buffer.writerIndex, "the packet lies in the buffer")
        let length = buffer.writerIndex - start
        buffer.writeRepeatingByte(0, count: SRTP.overheadBytesMax)
        let offset = start - buffer.readerIndex
        var result = Result<Int, SRTPError>.success(0)
        buffer.withUnsafeMutableReadableBytes { bytes in
            let packet = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
            do throws(SRTPError) {
                result = .success(try body(packet, length))
            } catch {
                result = .failure(error)
            }
        }
        switch result {
        case .success(let protected): buffer.moveWriterIndex(to: start + protected)
        case .failure(let error):
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }
}

extension SRTPUnprotector {
    package func unprotect(rtp datagram: inout ByteBuffer) throws(SRTPError) {
        try inPlace(&datagram) { bytes throws(SRTPError) in try unprotect(rtp: bytes) }
    }

    package func unprotect(rtcp datagram: inout ByteBuffer) throws(SRTPError) {
        try inPlace(&datagram) { bytes throws(SRTPError) in try unprotect(rtcp: bytes) }
    }

    private func inPlace(
        _ datagram: inout ByteBuffer,
        _ body: (UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int
    ) throws(SRTPError) {
        var result = Result<Int, SRTPError>.success(0)
        datagram.withUnsafeMutableReadableBytes { bytes in
            do throws(SRTPError) {
                result = .success(try body(bytes))
            } catch {
                result = .failure(error)
            }
        }
        datagram.moveWriterIndex(to: datagram.readerIndex + (try result.get()))
    }
}

/// Makes the ciphers of each session.
package protocol SRTPFactory: Sendable {
    /// For what we send.
    func makeProtector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPProtector
    /// For what the peer sends.
    func makeUnprotector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPUnprotector
}
