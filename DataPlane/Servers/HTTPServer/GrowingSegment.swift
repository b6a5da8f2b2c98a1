import DASH
import HLS
import NIOCore
import Synchronization

/// A segment that is sent while it is made, part after part: low-latency DASH (ISO/IEC 23009-1 §5.3.9.5, chunks).
final class GrowingSegment: BodySource {
    private let name: ObjectName
    private let stream: HLSStream
    private let next = Mutex<UInt32>(0)

    /// - Parameter name: of the whole segment.
    init(_ name: ObjectName, of stream: HLSStream) {
        self.name = name
        self.stream = stream
    }

    var byteCount: Int? { nil }

    func nextPiece(on loop: any EventLoop) -> EventLoopFuture<ByteBuffer?> {
        let promise = loop.makePromise(of: ByteBuffer?.self)
        guard let part = nextName() else {
            promise.succeed(nil)
            return promise.futureResult
        }
        stream.part(part) { found in
            switch found {
            case .bytes(let bytes): promise.succeed(bytes)
            case .end: promise.succeed(nil)
            case .missing: promise.fail(BrokenOff())
            }
        }
        return promise.futureResult
    }

    private func nextName() -> ObjectName? {
        guard case .segment(let sequence) = name.kind else { return nil }
        let part = next.withLock { next in
            defer { next += 1 }
            return next
        }
        return ObjectName(
            rendition: name.rendition,
            epoch: name.epoch,
            kind: .part(sequence, part),
            container: name.container
        )
    }

    private struct BrokenOff: Error {}
}
