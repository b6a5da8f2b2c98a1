import Bytes
package import MediaModel

package import struct NIOCore.ByteBuffer

/// One frame of the relay protocol, version 5.
///
///      0      1              5
///     +------+--------------+------------------ … ---+
///     | type | length (u32) | payload, length octets |
///     +------+--------------+------------------ … ---+
///
/// All numbers are big-endian; a text is a u16 count of octets, then UTF-8. Media frames hold absolute times and no
/// reference to an earlier frame, so one frame serves every child. The child speaks first.
package enum RelayFrame: Hashable, Sendable {
    // Child to parent
    case hello(RelayHello)
    case objectRequest(id: UInt32, name: String)
    /// Somebody at or below the child needs older segments, or no longer does.
    case objectInterest(Bool)
    /// Somebody at or below the child cannot decode on. At most once a second.
    case keyframeRequest
    /// The child wants no more.
    case bye

    // Both ways
    case keepAlive

    // Parent to child
    case accept(RelayAccept)
    case refuse(RelayRefusal)
    case item(StreamItem)
    case state(RelayState)
    /// The parent lacks items between the last one it sent and the next: do not package across.
    case gap
    /// The stream now comes to the parent another way: through these nodes, from its owner to the parent's own parent.
    case path([String])
    /// The rungs that the stream's owner does not make for now. Repeated with each segment.
    case rungsGivenUp([String])
    /// A slice of an object; `isLast` ends it. Slices are short, so that live media is not held up.
    case objectData(id: UInt32, isLast: Bool, bytes: ByteBuffer)
    case objectMissing(id: UInt32)
    case end(EndReason)

    package static let headerLength = 5

    enum Kind: UInt8 {
        case hello = 0x01
        case objectRequest = 0x02
        case objectInterest = 0x03
        case bye = 0x04
        case keyframeRequest = 0x05
        case keepAlive = 0x0F
        case accept = 0x10
        case refuse = 0x11
        case tracks = 0x12
        case unit = 0x13
        case cut = 0x14
        case state = 0x15
        case objectData = 0x16
        case objectMissing = 0x17
        case end = 0x18
        case gap = 0x19
        case path = 0x1A
        case rungsGivenUp = 0x1B
    }

    var kind: Kind {
        switch self {
        case .hello: .hello
        case .objectRequest: .objectRequest
        case .objectInterest: .objectInterest
        case .bye: .bye
        case .keyframeRequest: .keyframeRequest
        case .keepAlive: .keepAlive
        case .accept: .accept
        case .refuse: .refuse
        case .item(.tracks): .tracks
        case .item(.unit): .unit
        case .item(.cut): .cut
        case .state: .state
        case .path: .path
        case .rungsGivenUp: .rungsGivenUp
        case .objectData: .objectData
        case .objectMissing: .objectMissing
        case .end: .end
        case .gap: .gap
        }
    }
}

/// Whether the publisher is there.
package enum RelayState: UInt8, Hashable, Sendable {
    case broadcasting = 1
    case interrupted = 2
}

/// What the child asks for.
package struct RelayHello: Hashable, Sendable {
    /// `MRLY`: tells a relay from a client on the wrong port.
    static let magic: UInt32 = 0x4D52_4C59
    /// What opens every TLS connection (RFC 8446 §5.1: handshake). No frame a child may send begins with it.
    package static let tlsFirstByte: UInt8 = 0x16
    package static let protocolVersion: UInt16 = 5
    /// Grows when the packager's bytes change: then a node must fetch objects instead of making them.
    package static let packagerVersion: UInt16 = 1

    package var protocolVersion = RelayHello.protocolVersion
    package var packagerVersion = RelayHello.packagerVersion
    package var app: String
    package var id: String
    package var child: String
    /// Shows that the control plane sent the child; see `RelayTicket`. Never logged.
    package var ticket: String
    /// The newest epoch the child has seen; a parent with an older one must refuse.
    package var haveEpoch: Epoch?
    /// The tracks the child wants; empty for all, also those that come later.
    package var tracks: [TrackID]

    package init(
        app: String,
        id: String,
        child: String,
        ticket: String,
        haveEpoch: Epoch?,
        tracks: [TrackID] = []
    ) {
        self.app = app
        self.id = id
        self.child = child
        self.ticket = ticket
        self.haveEpoch = haveEpoch
        self.tracks = tracks
    }
}

/// What the parent gives.
package struct RelayAccept: Hashable, Sendable {
    package var packagerVersion = RelayHello.packagerVersion
    package var epoch: Epoch
    /// The nodes the stream came through, from its owner to this parent.
    package var hops: [String]
    package var state: RelayState
    package var tracks: [Track]

    package init(epoch: Epoch, hops: [String], state: RelayState, tracks: [Track]) {
        self.epoch = epoch
        self.hops = hops
        self.state = state
        self.tracks = tracks
    }
}

/// Why the parent gives nothing.
package struct RelayRefusal: Hashable, Sendable {
    package enum Code: UInt8, CaseIterable, Hashable, Sendable {
        case unknownStream = 1
        case badTicket = 2
        case expiredTicket = 3
        case loop = 4
        case overloaded = 5
        case draining = 6
        case olderEpoch = 7
        case unsupportedVersion = 8
        case unavailable = 9
        /// The relay port takes TLS only.
        case tlsRequired = 10
        /// The origin cannot make this rendition for now; no other node can.
        case notMade = 11
    }

    package var code: Code
    /// What, why and what to do.
    package var detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}
