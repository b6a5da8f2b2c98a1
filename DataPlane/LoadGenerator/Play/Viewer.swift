import Timebase

/// The protocol of one playing connection. The run moves its bytes.
protocol Viewer: AnyObject {
    /// Reads are batched from then on: what was to be measured at once has been.
    var hasFirstFrame: Bool { get }

    /// Connected: the first bytes go out.
    func begin(on connection: Connection, at now: MonotonicInstant) throws
    func receive(_ bytes: borrowing Span<UInt8>, on connection: Connection, at now: MonotonicInstant) throws
    /// One datagram, changed where it lies; `arrival` tells when it came to its socket.
    func receive(
        datagram: UnsafeMutableRawBufferPointer,
        arrival: MonotonicInstant?,
        on connection: Connection,
        at now: MonotonicInstant
    ) throws
    /// A connection to go on with instead, once: the run lets go of the one it has.
    func takeSuccessor() -> Connection?
    /// Called some twenty times a second.
    func timePassed(on connection: Connection, at now: MonotonicInstant) throws
    func windowBegins(at now: MonotonicInstant)
    func windowEnds(at now: MonotonicInstant)
    /// The first and last stamp of the window.
    var stamps: (first: SendStamp, last: SendStamp)? { get }
}

extension Viewer {
    func takeSuccessor() -> Connection? { nil }
    func receive(
        datagram: UnsafeMutableRawBufferPointer,
        arrival: MonotonicInstant?,
        on connection: Connection,
        at now: MonotonicInstant
    ) throws {}
    func timePassed(on connection: Connection, at now: MonotonicInstant) throws {}
}

/// Why a viewer ended that should have gone on.
enum ViewerFailure: Error, CustomStringConvertible {
    case refused(String)
    case closedByServer

    var description: String {
        switch self {
        case .refused(let why): "refused: \(why)"
        case .closedByServer: "the server closed the connection"
        }
    }
}
