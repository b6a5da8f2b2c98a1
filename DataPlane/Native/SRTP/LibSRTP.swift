internal import CSRTP
package import SecureTransport

/// One direction of a session over libsrtp2: it opens what publishers send. Protecting, it is the second opinion beside EVP;
/// each is tested against the other.
///
/// A session of libsrtp2 belongs to one thread at a time.
package final class LibSRTP: SRTPProtector, SRTPUnprotector {
    package enum Direction: Sendable {
        case outbound
        case inbound
    }

    private let session: srtp_t
    private let suite: SRTPSuite
    /// Those that libsrtp2 has a state of. It would make one for each that proves itself.
    private var sources: [UInt32] = []

    /// Once for the process; libsrtp2 counts no users.
    private static let initialized: srtp_err_status_t = srtp_init()

    /// A repeat without RTX comes under its old number, as long as the jitter buffer waits for it: a second of 20 Mbit/s. The
    /// library's own 128 packets are 70 ms of that.
    package static let replayWindow = 2048

    package init(_ master: SRTPMasterKey, suite: SRTPSuite, direction: Direction) throws(SRTPError) {
        guard Self.initialized == srtp_err_status_ok else { throw Self.error(Self.initialized) }
        guard master.key.count == suite.keyBytes, master.salt.count == suite.saltBytes else {
            throw .cryptography("a master key or salt of the wrong length")
        }
        self.suite = suite
        var policy = srtp_policy_t()
        switch suite {
        case .aeadAES128GCM:
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
        case .aes128CMSHA1_80:
            srtp_crypto_policy_set_rtp_default(&policy.rtp)
            srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
        }
        switch direction {
        case .outbound: policy.ssrc.type = ssrc_any_outbound
        case .inbound: policy.ssrc.type = ssrc_any_inbound
        }
        policy.window_size = UInt(Self.replayWindow)
        // A repeat without RTX goes out under its old number.
        policy.allow_repeat_tx = 1
        var key = master.key + master.salt
        var session: srtp_t?
        let status = key.withUnsafeMutableBufferPointer { key in
            policy.key = key.baseAddress
            return srtp_create(&session, &policy)
        }
        guard status == srtp_err_status_ok, let session else { throw Self.error(status) }
        self.session = session
    }

    deinit { srtp_dealloc(session) }

    package func protect(rtp bytes: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        guard bytes.count >= length + suite.tagBytes else { throw .malformed("no room for the tag") }
        _ = try SRTPWire.rtpHeader(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        return try call(bytes, length, srtp_protect)
    }

    package func protect(rtcp bytes: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        guard bytes.count >= length + suite.tagBytes + SRTPWire.rtcpIndexBytes else {
            throw .malformed("no room for the tag")
        }
        _ = try SRTPWire.rtcpSource(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        return try call(bytes, length, srtp_protect_rtcp)
    }

    package func unprotect(rtp bytes: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        let header = try SRTPWire.rtpHeader(UnsafeRawBufferPointer(bytes))
        guard bytes.count >= header.length + suite.tagBytes else { throw .malformed("no tag") }
        return try open(bytes, of: header.ssrc, srtp_unprotect)
    }

    package func unprotect(rtcp bytes: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        let source = try SRTPWire.rtcpSource(UnsafeRawBufferPointer(bytes))
        guard bytes.count >= SRTPWire.rtcpHeaderBytes + suite.tagBytes + SRTPWire.rtcpIndexBytes else {
            throw .malformed("no tag")
        }
        return try open(bytes, of: source, srtp_unprotect_rtcp)
    }

    private typealias Function = (srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) -> srtp_err_status_t

    private func open(
        _ bytes: UnsafeMutableRawBufferPointer,
        of source: UInt32,
        _ function: Function
    ) throws(SRTPError) -> Int {
        let isKnown = sources.contains(source)
        guard isKnown || sources.count < SRTP.sourcesMax else { throw .tooManySources(max: SRTP.sourcesMax) }
        let length = try call(bytes, bytes.count, function)
        if !isKnown { sources.append(source) }
        return length
    }

    private func call(
        _ bytes: UnsafeMutableRawBufferPointer,
        _ length: Int,
        _ function: Function
    ) throws(SRTPError) -> Int {
        var count = Int32(length)
        let status = function(session, bytes.baseAddress, &count)
        guard status == srtp_err_status_ok else { throw Self.error(status) }
        return Int(count)
    }

    private static func error(_ status: srtp_err_status_t) -> SRTPError {
        switch status {
        // Over NSS a wrong tag of AES-GCM is a cipher that failed.
        case srtp_err_status_auth_fail, srtp_err_status_cipher_fail: .unauthenticated
        case srtp_err_status_replay_fail, srtp_err_status_replay_old: .replayed
        case srtp_err_status_parse_err, srtp_err_status_bad_param: .malformed("libsrtp2 does not read it")
        default: .cryptography("libsrtp2's status \(status.rawValue)")
        }
    }
}
