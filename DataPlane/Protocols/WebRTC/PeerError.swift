package import ICE
package import SecureTransport

/// Why a session is over. `description` says what to do; `label` names the reason in metrics.
package enum PeerEnd: Error, Hashable, Sendable, CustomStringConvertible {
    case ice(ICEFailure)
    case dtls(DTLSError)
    case srtp(SRTPError)
    /// The peer said goodbye in DTLS or RTCP.
    case closedByPeer
    case closedByUs
    /// A publisher's pictures are shown in another order than they come.
    case reorderedPictures
    /// A publisher is there, and sends no media.
    case publisherSilent

    package var description: String {
        switch self {
        case .ice(let failure): failure.description
        case .dtls(let error): error.description
        case .srtp(let error): error.description
        case .closedByPeer: "the peer closed the session"
        case .closedByUs: "this side closed the session"
        case .publisherSilent: "the publisher sent no media for too long: publish again"
        case .reorderedPictures:
            "the publisher sends B-frames, which receivers of WebRTC do not put in order: switch them off in the encoder "
                + "(x264: bframes=0 or tune zerolatency), or publish by RTMP or SRT"
        }
    }

    package var label: String {
        switch self {
        case .ice(let failure): failure.label
        case .dtls(.wrongFingerprint): "wrong_fingerprint"
        case .dtls(.timedOut): "dtls_timeout"
        case .dtls: "dtls"
        case .srtp: "srtp"
        case .closedByPeer: "closed_by_peer"
        case .closedByUs: "closed"
        case .reorderedPictures: "b_frames"
        case .publisherSilent: "publisher_silent"
        }
    }
}

/// A datagram that was dropped, for counting. Nothing else changed.
package enum PeerRefusal: Hashable, Sendable {
    case ice(ICERefusal)
    /// Not STUN, DTLS, RTP or RTCP.
    case unknownProtocol
    /// Of DTLS or media, on a path that no check has shown to be the peer's.
    case unvalidatedPath
    /// The record's header is none of DTLS.
    case noDTLSRecord
    /// Media before the keys.
    case beforeKeys
    case srtp(SRTPError)
    case malformedMedia

    package var label: String {
        switch self {
        case .ice(let refusal): refusal.label
        case .unknownProtocol: "unknown_protocol"
        case .unvalidatedPath: "unvalidated_path"
        case .noDTLSRecord: "no_dtls_record"
        case .beforeKeys: "before_keys"
        case .srtp(.unauthenticated): "srtp_unauthenticated"
        case .srtp(.replayed): "srtp_replayed"
        case .srtp: "srtp"
        case .malformedMedia: "malformed_media"
        }
    }
}
