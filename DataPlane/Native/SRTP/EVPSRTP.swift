package import SecureTransport

/// SRTP by OpenSSL's ciphers.
package struct EVPSRTP: SRTPFactory {
    package init() {}

    package func makeProtector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPProtector {
        try EVPProtector(keys.local, suite: keys.suite)
    }

    package func makeUnprotector(_ keys: SRTPKeyingMaterial) throws(SRTPError) -> any SRTPUnprotector {
        try EVPUnprotector(keys.remote, suite: keys.suite)
    }
}
