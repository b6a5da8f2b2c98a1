package import SecureTransport

/// SRTP by OpenSSL's ciphers both ways: of players' sessions, whose peers send reports only, and of the load generator.
package struct EVPSRTP: SRTPFactory {
    package init() {}

    package func makeProtector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPProtector {
        try EVPProtector(keys.local, suite: keys.suite)
    }

    package func makeUnprotector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPUnprotector {
        try EVPUnprotector(keys.remote, suite: keys.suite)
    }
}
