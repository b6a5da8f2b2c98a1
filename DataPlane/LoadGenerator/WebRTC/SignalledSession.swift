import DTLS
import ICE
import NIOCore
import SDP
import Timebase
import WebRTC

/// What WHIP and WHEP have in common: an offer is posted, and with its answer the session moves to a datagram socket.
final class SignalledSession {
    enum Step {
        /// Another node is asked, on a connection of its own.
        case moved(Connection)
        /// The session goes on here; TCP has served.
        case answered(socket: Connection, Negotiation)
    }

    /// An edge knows the origin, and a control plane the edge: more is a ring.
    private static let movesMax = 3

    let transport: ClientTransport
    private var target: PlayTarget
    private var moves = 0
    private let offer: Offer
    private var http = HTTPWalker()
    private var body = ByteBuffer()

    init(_ target: PlayTarget, offering media: [MediaCapabilities], certificate: DTLSContext) throws {
        self.target = target
        var random = SystemRandomNumberGenerator()
        transport = ClientTransport(certificate, using: &random)
        offer = Offer(
            media,
            transport: try transport.local(),
            origin: SessionDescription.Origin(sessionID: random.next() >> 2, sessionVersion: 1)
        )
    }

    func begin(on connection: Connection) throws {
        try connection.enqueue(target.post(offer.description.text, type: "application/sdp"))
    }

    /// Takes what the server says over HTTP. Nil until the answer is whole.
    func receive(_ bytes: borrowing Span<UInt8>, at now: MonotonicInstant) throws -> Step? {
        var position = 0
        while let piece = try http.next(in: bytes, at: &position) {
            switch piece {
            case .head(let head):
                if let place = head.location, [307, 308].contains(head.status) { return try moved(to: place) }
                guard head.status == 201 else { throw ViewerFailure.refused("HTTP \(head.status)") }
            case .body(let range): for place in range { body.writeInteger(bytes[place]) }
            case .end: return try answered(at: now)
            }
        }
        return nil
    }

    private func moved(to place: String) throws -> Step {
        moves += 1
        guard moves <= Self.movesMax else { throw ViewerFailure.refused("moved on more than \(Self.movesMax) times") }
        target = try target.moved(to: place)
        http = HTTPWalker()
        let connection = try Connection(to: target.address())
        try begin(on: connection)
        return .moved(connection)
    }

    private func answered(at now: MonotonicInstant) throws -> Step {
        let description = try SessionDescription(parsing: String(buffer: body))
        let negotiation = try offer.negotiation(with: description)
        let candidates = negotiation.remote.candidates.compactMap(Candidate.init).filter { $0.transport == .udp }
        // The way that HTTP took is open.
        guard let candidate = candidates.first(where: { "\($0.address.ip)" == target.host }) ?? candidates.first else {
            throw ViewerFailure.refused("the answer has no candidate")
        }
        let address = try SocketAddress(ipAddress: "\(candidate.address.ip)", port: Int(candidate.address.port))
        let socket = try Connection(datagramsTo: address)
        try transport.begin(negotiation, to: candidate, on: socket, at: now)
        return .answered(socket: socket, negotiation)
    }
}

extension Negotiation {
    /// The one picture of a session.
    func video() throws -> (line: Media, codec: NegotiatedCodec) {
        guard let line = media.first(where: { $0.kind == "video" }), let codec = line.codecs.first else {
            throw ViewerFailure.refused("the answer has no picture")
        }
        return (line, codec)
    }
}
