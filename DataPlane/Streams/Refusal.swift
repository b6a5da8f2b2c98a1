package import ClusterModel

/// Why a publish or a play was not taken. Each protocol's server says it in that protocol's words.
package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody publishes a stream of that name.
    case unknownStream(StreamID)
    case badName(NameError)
    /// A live owner holds the stream.
    case inUse(StreamID, owner: String?)
    /// This node takes no publishers. `origin` is one that does, when known.
    case notAnOrigin(origin: String?)
    /// This node takes no players.
    case notAnEdge
    /// The protocol has no way to carry the stream's picture.
    case unsupportedCodec(String, ClientProtocol)
    case unauthorized(String)
    case forbidden(String)
    case overloaded(String)
    /// This node has all the players that it may have.
    case viewersFull(String)
    case draining
    /// The control plane or the path to the stream cannot be had just now; trying again helps.
    case unavailable(String)
    /// There is such a rendition, and the node that makes it cannot, for now.
    case notMade(String)

    /// A stable word for logs and metrics.
    package var reason: String {
        switch self {
        case .unknownStream: "unknown_stream"
        case .badName: "bad_name"
        case .inUse: "stream_in_use"
        case .notAnOrigin: "not_an_origin"
        case .notAnEdge: "not_an_edge"
        case .unsupportedCodec: "unsupported_codec"
        case .unauthorized: "unauthorized"
        case .forbidden: "forbidden"
        case .overloaded, .viewersFull: "overloaded"
        case .draining: "draining"
        case .unavailable: "unavailable"
        case .notMade: "not_made"
        }
    }

    /// What, why and what to do; fit for the wire.
    package var description: String {
        switch self {
        case .unknownStream(let id): "stream \(id) is not being published: check the name or start the publisher"
        case .badName(let error): error.description
        case .inUse(let id, let owner):
            "stream \(id) already has a publisher\(owner.map { " on \($0)" } ?? ""): end that one first or use another name"
        case .notAnOrigin(let origin):
            "this node is an edge and takes no publishers: publish to \(origin ?? "an origin")"
        case .notAnEdge: "this node serves no players: ask an edge"
        case .unsupportedCodec(let codec, let kind):
            "the stream's picture is \(codec), which \(kind.rawValue) does not carry: watch it by WebRTC, or publish H.264"
        case .unauthorized(let detail): detail
        case .forbidden(let detail): detail
        case .overloaded(let detail), .viewersFull(let detail):
            "this node is full (\(detail)): try another node or later"
        case .draining: "this node is draining: try another node"
        case .notMade(let detail): detail
        case .unavailable(let detail): "cannot be decided now (\(detail)): try again shortly"
        }
    }
}
