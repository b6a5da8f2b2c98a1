package import SecureTransport

/// SRTP of publishers' sessions: libsrtp2 opens what they send, OpenSSL's ciphers protect the reports they get.
///
/// `@unchecked Sendable`: the one session it has is never used.
package final class IngestSRTP: SRTPFactory, @unchecked Sendable {
    /// The cipher library under libsrtp2 is set up with the first session and torn down with the last: with this one it stays,
    /// and a publisher costs microseconds instead of a millisecond of an event loop. The very first costs 40 ms.
    private let idle: LibSRTP

    package init() throws(SRTPError) {
        let suite = SRTPSuite.aeadAES128GCM
        let nobody = SRTPMasterKey(
            key: Array(repeating: 0, count: suite.keyBytes),
            salt: Array(repeating: 0, count: suite.saltBytes)
        )
        idle = try LibSRTP(nobody, suite: suite, direction: .inbound)
    }

    package func makeProtector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPProtector {
        try EVPProtector(keys.local, suite: keys.suite)
    }

    package func makeUnprotector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPUnprotector {
        try LibSRTP(keys.remote, suite: keys.suite, direction: .inbound)
    }
}
