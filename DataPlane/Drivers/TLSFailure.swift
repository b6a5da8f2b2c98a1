import NIOSSL

extension Error {
    /// Whether TLS itself failed: the handshake, a certificate, a record. Not when the peer has just gone away, as a health
    /// check of TCP does before a handshake and many a player in the middle of a stream.
    package var isOfTLS: Bool {
        if let error = self as? NIOSSLError {
            return error != .uncleanShutdown && error != .handshakeFailed(.sslError([.eofDuringHandshake]))
        }
        return self is NIOSSLExtraError || self is BoringSSLError
    }
}
