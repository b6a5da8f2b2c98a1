import NIOSSL

extension Error {
    /// Whether it comes from TLS, be it that the peer just went away.
    package var isOfTLS: Bool { self is NIOSSLError || self is NIOSSLExtraError || self is BoringSSLError }

    /// Whether TLS itself failed: the handshake, a certificate, a record. Not when the peer has just gone away, as a health
    /// check of TCP does before a handshake and many a player in the middle of a stream.
    package var isTLSFault: Bool {
        guard let error = self as? NIOSSLError else { return isOfTLS }
        return error != .uncleanShutdown && error != .handshakeFailed(.sslError([.eofDuringHandshake]))
    }
}
