import NIOCore
import Timebase

/// One stream being published. The run moves its bytes and wakes it.
protocol Publisher: AnyObject {
    /// The connection it is published on now.
    var connection: Connection { get }
    /// When the next tag is to be sent; nil before the server takes media and when the clip is over.
    var nextSend: MonotonicInstant? { get }
    var isFinished: Bool { get }
    var bodyBytes: Int64 { get }

    func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) throws
    /// Called some times a second.
    func checkTime(at now: MonotonicInstant) throws
    /// Sends every tag whose time has come.
    func sendDue(at now: MonotonicInstant) throws
    func finish(at now: MonotonicInstant)
}
