package import ClusterModel
package import NIOCore
package import NIOHTTP1

/// WHIP and WHEP as HTTP sees them (RFC 9725).
package enum Signalling {
    package enum Kind: String, Hashable, Sendable {
        /// Publishing.
        case whip
        /// Playing.
        case whep
    }

    package struct Request: Sendable {
        package var stream: StreamID
        package var kind: Kind
        /// `{nodeId}.{secret}`; nil where a session is to begin.
        package var session: String?
        package var method: HTTPMethod
        /// For redirects.
        package var uri: String
        package var contentType: String?
        package var ifMatch: String?
        package var body: ByteBuffer
        package var token: String?
        package var remoteAddress: String?
    }
}

/// Where WebRTC sessions are begun, changed and ended.
package protocol SignallingEndpoint: Sendable {
    func answer(_ request: Signalling.Request) async -> MediaResponse
    /// To a body of more than `limit` bytes, which is not read on.
    func answer(tooLongFor stream: StreamID, limit: Int, remoteAddress: String?) -> MediaResponse
}
