import NIOCore
import Timebase

/// Plays one stream over HTTP-FLV.
final class FLVViewer: Viewer {
    private let target: PlayTarget
    private let meter: PlayMeter
    private var http = HTTPWalker()
    private var tags = TagWalker()
    private var check: MediaCheck

    init(_ target: PlayTarget, meter: PlayMeter, openedAt now: MonotonicInstant) {
        self.target = target
        self.meter = meter
        check = MediaCheck(openedAt: now)
    }

    var hasFirstFrame: Bool { check.hasKeyframe }
    var stamps: (first: SendStamp, last: SendStamp)? { check.stampSpan }
    func windowBegins(at now: MonotonicInstant) { check.windowBegins(at: now) }
    func windowEnds(at now: MonotonicInstant) { check.windowEnds(at: now, meter) }

    func begin(on connection: Connection, at now: MonotonicInstant) throws {
        try connection.enqueue(target.request(for: target.path))
    }

    func receive(_ bytes: borrowing Span<UInt8>, on connection: Connection, at now: MonotonicInstant) throws {
        var position = 0
        while let piece = try http.next(in: bytes, at: &position) {
            switch piece {
            case .head(let head): guard head.status == 200 else { throw ViewerFailure.refused("HTTP \(head.status)") }
            case .body(let range):
                let body = bytes.extracting(range)
                var offset = 0
                while let tag = try tags.next(in: body, at: &offset) { check.receive(tag, at: now, meter) }
            case .end: throw ViewerFailure.closedByServer
            }
        }
    }
}
