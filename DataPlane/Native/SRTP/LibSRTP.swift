internal import CSRTP
package import SecureTransport

/// One direction of a session over libsrtp2. The second opinion beside EVP: each is tested against the other.
///
/// A session of libsrtp2 belongs to one thread at a time.
package final class LibSRTP: SRTPProtector, SRTPUnprotector {
    package enum Direction: Sendable {
        case outbound
        case inbound
    }

    private let session: srtp_t
    private let suite: SRTPSuite

    /// Once for the process; libsrtp2 counts no users.
    private static let initialized: srtp_err_status_t = srtp_init()

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
        policy.window_size = 128
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
        return try call(bytes, bytes.count, srtp_unprotect)
    }

    package func unprotect(rtcp bytes: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        _ = try SRTPWire.rtcpSource(UnsafeRawBufferPointer(bytes))
        guard bytes.count >= SRTPWire.rtcpHeaderBytes + suite.tagBytes + SRTPWire.rtcpIndexBytes else {
            throw .malformed("no tag")
        }
        return try call(bytes, bytes.count, srtp_unprotect_rtcp)
    }

    private func call(
        _ bytes: UnsafeMutableRawBufferPointer,
        _ length: Int,
        _ function: (srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) -> srtp_err_status_t
    ) throws(SRTPError) -> Int {
        var count = Int32(length)
        let status = function(session, bytes.baseAddress, &count)
        guard status == srtp_err_status_ok else { throw Self.error(status) }
        return Int(count)
    }

    private static func error(_ status: srtp_err_status_t) -> SRTPError {
        switch status {
        case srtp_err_status_auth_fail: .unauthenticated
        case srtp_err_status_replay_fail, srtp_err_status_replay_old: .replayed
        case srtp_err_status_parse_err, srtp_err_status_bad_param: .malformed("libsrtp2 does not read it")
        default: .cryptography("libsrtp2's status \(status.rawValue)")
        }
    }
}
