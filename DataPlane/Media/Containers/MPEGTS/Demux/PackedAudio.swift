import Codecs
import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// Segments of HLS that are an audio stream as it is: frames without times, behind a tag that tells the first one's (RFC 8216
/// §3.4).
package struct PackedAudio: Sendable {
    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case noTime
        case noFrame

        package var description: String {
            switch self {
            case .noTime: "a segment of packed audio does not tell its time: no ID3 tag with \(PackedAudio.owner) came"
            case .noFrame: "a segment of packed audio holds no frame of AAC, MP3 or AC-3"
            }
        }
    }

    fileprivate static let owner = "com.apple.streaming.transportStreamTimestamp"

    private var clock = TSClock()
    private var parameters: CodecParameters?
    /// Where the next frame belongs if nothing else is told.
    private var next: MediaTime?

    package init() {}

    /// Whether a segment is one: of MPEG-TS each begins with another byte.
    package static func isOne(_ segment: ByteBuffer) -> Bool {
        ID3Tag(at: segment) != nil || framing(of: segment) != nil
    }

    package mutating func take(_ segment: ByteBuffer) throws(Fault) -> [TSDemuxer.Event] {
        var rest = segment
        var events: [TSDemuxer.Event] = []
        // Counted in samples: ticks of single frames are rounded.
        var (start, samples) = (next, Int64(0))
        while rest.readableBytes > 0 {
            if let tag = ID3Tag(at: rest) {
                rest.moveReaderIndex(forwardBy: min(tag.byteCount, rest.readableBytes))
                if let stamp = tag.stamp { (start, samples) = (clock.time(of: stamp), 0) }
                continue
            }
            guard case .frame(let frame)? = Self.framing(of: rest)?.frame(at: rest) else {
                rest.moveReaderIndex(forwardBy: 1)
                continue
            }
            rest.moveReaderIndex(forwardBy: frame.byteCount)
            guard let start else { throw .noTime }
            if frame.parameters != parameters {
                parameters = frame.parameters
                events.append(.tracks([Track(id: .audio, codec: frame.parameters)]))
            }
            let rate = Int64(frame.parameters.sampleRate ?? 48_000)
            let time = start + MediaTime(samples: samples, rate: rate)
            samples += Int64(frame.parameters.samples(inFrame: frame.payload) ?? 0)
            next = start + MediaTime(samples: samples, rate: rate)
            events.append(
                .unit(AccessUnit(track: .audio, decodeTime: time, isKeyframe: true, payload: frame.payload))
            )
        }
        if events.isEmpty { throw .noFrame }
        return events
    }

    /// By the first bytes of a frame.
    private static func framing(of bytes: ByteBuffer) -> AudioFraming? {
        guard let sync = bytes.getInteger(at: bytes.readerIndex, as: UInt16.self) else { return nil }
        return switch sync {
        case 0x0B77: .ac3
        // The two bits of the layer are 0 in ADTS.
        case _ where sync & 0xFFF6 == 0xFFF0: .adts
        case _ where sync & 0xFFE0 == 0xFFE0: .mp3
        default: nil
        }
    }

    /// ID3v2.3 or 2.4.
    private struct ID3Tag {
        private static let mark = "ID3".utf8
        private static let headBytes = 10

        /// With its head.
        let byteCount: Int
        let stamp: TSTimestamp?

        init?(at bytes: ByteBuffer) {
            let head = bytes.readerIndex
            guard bytes.readableBytes >= Self.headBytes, bytes.readableBytesView.starts(with: Self.mark),
                let flags = bytes.getInteger(at: head + 5, as: UInt8.self),
                let size = bytes.getBytes(at: head + 6, length: 4), size.allSatisfy({ $0 < 0x80 })
            else { return nil }
            // Seven bits a byte; a footer is as long as the head.
            let length = size.reduce(0) { $0 << 7 | Int($1) }
            byteCount = Self.headBytes + length + (flags & 0x10 == 0 ? 0 : Self.headBytes)
            let body = bytes.getSlice(
                at: head + Self.headBytes,
                length: min(length, bytes.readableBytes - Self.headBytes)
            )
            stamp = Self.stamp(in: body ?? ByteBuffer())
        }

        /// A private frame: owner, a zero byte, and the stamp in eight bytes.
        private static func stamp(in frames: ByteBuffer) -> TSTimestamp? {
            let bytes = frames.readableBytesView
            guard let owner = bytes.firstRange(of: Array("\(PackedAudio.owner)\0".utf8)),
                let value = frames.getInteger(at: owner.upperBound, as: UInt64.self)
            else { return nil }
            return TSTimestamp(Int64(truncatingIfNeeded: value))
        }
    }
}
