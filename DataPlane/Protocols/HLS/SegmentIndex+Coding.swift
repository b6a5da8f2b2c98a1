import Bytes
import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// The form in which an index travels to another node. Fixed-width, big-endian; the first byte is the version.
extension SegmentIndex {
    package enum CodingError: Error, Hashable, Sendable, CustomStringConvertible {
        case truncated
        case unknownVersion(UInt8)
        case outOfRange(String)

        package var description: String {
            switch self {
            case .truncated: "the segment index ends too early; the sending node is broken"
            case .unknownVersion(let version):
                "segment index version \(version) is unknown; run the same release on all nodes"
            case .outOfRange(let field): "segment index has an impossible \(field); the sending node is broken"
            }
        }
    }

    private static let version: UInt8 = 3
    /// Above any window we allow to be set up, so that a broken peer cannot make us allocate.
    private static let segmentsMax = 4096
    private static let partsMax = 65_536
    /// A month: what all listed segments together last stays far from overflow.
    private static let durationMax = MediaTime(seconds: 30 * 86_400)
    package func encode(into bytes: inout ByteBuffer) {
        bytes.writeInteger(Self.version)
        bytes.writeInteger(UInt8((isEnded ? 1 : 0) | (open == nil ? 0 : 2)))
        bytes.writeInteger(epoch.value)
        bytes.writeInteger(settings.segmentDuration.ticks)
        bytes.writeInteger(settings.partDuration.ticks)
        bytes.writeInteger(UInt32(clamping: settings.windowSegments))
        bytes.writeInteger(settings.container.rawValue)
        bytes.writeInteger(targetDurationSeconds)
        bytes.writeInteger(longestPart.ticks)
        bytes.writeInteger(UInt32(clamping: segments.count))
        for segment in segments { Self.write(segment, into: &bytes) }
        if let open { Self.write(open, into: &bytes) }
    }

    package init(decoding bytes: ByteBuffer) throws(CodingError) {
        var reader = ByteReader(bytes)
        do {
            self = try Self(from: &reader)
        } catch let error as CodingError {
            throw error
        } catch {
            throw .truncated
        }
    }

    private init(from reader: inout ByteReader) throws {
        let version: UInt8 = try reader.integer()
        guard version == Self.version else { throw CodingError.unknownVersion(version) }
        let flags: UInt8 = try reader.integer()
        let epoch = Epoch(try reader.integer())
        let settings = PackagingSettings(
            segmentDuration: try Self.time(&reader, "segment duration"),
            partDuration: try Self.time(&reader, "part duration"),
            windowSegments: Int(try reader.integer(as: UInt32.self)),
            container: try Self.container(&reader)
        )
        self.init(epoch: epoch, settings: settings)
        targetDurationSeconds = try reader.integer()
        guard (1...86_400).contains(targetDurationSeconds) else { throw CodingError.outOfRange("target duration") }
        longestPart = try Self.time(&reader, "part target")
        let count = Int(try reader.integer(as: UInt32.self))
        guard count <= Self.segmentsMax else { throw CodingError.outOfRange("number of segments") }
        for _ in 0..<count {
            let segment = try Self.segment(&reader)
            if let last = segments.last, segment.sequence != last.sequence + 1 {
                throw CodingError.outOfRange("order of segments")
            }
            segments.append(segment)
        }
        open = flags & 2 == 0 ? nil : try Self.segment(&reader)
        if let open, let last = segments.last, open.sequence != last.sequence + 1 {
            throw CodingError.outOfRange("order of segments")
        }
        isEnded = flags & 1 != 0
    }

    private static func write(_ segment: Segment, into bytes: inout ByteBuffer) {
        bytes.writeMultipleIntegers(segment.sequence, segment.discontinuity, segment.wallTime.milliseconds)
        bytes.writeMultipleIntegers(
            segment.mediaTime.ticks,
            segment.timelineStart.wallTime.milliseconds,
            segment.timelineStart.mediaTime.ticks
        )
        bytes.writeInteger(UInt8((segment.isDiscontinuous ? 1 : 0) | (segment.isIndependent ? 2 : 0)))
        bytes.writeMultipleIntegers(
            segment.duration.ticks,
            Int64(segment.byteCount),
            UInt32(clamping: segment.parts.count)
        )
        for part in segment.parts {
            bytes.writeMultipleIntegers(part.duration.ticks, Int64(part.byteCount), UInt8(part.isIndependent ? 1 : 0))
        }
    }

    private static func segment(_ reader: inout ByteReader) throws -> Segment {
        let sequence: UInt64 = try reader.integer()
        guard sequence < 1 << 62 else { throw CodingError.outOfRange("sequence") }
        let discontinuity: UInt64 = try reader.integer()
        let wall = try wallTime(&reader)
        let media = try mediaTime(&reader)
        let start = TimelineStart(wallTime: try wallTime(&reader), mediaTime: try mediaTime(&reader))
        let flags: UInt8 = try reader.integer()
        var segment = Segment(
            sequence: sequence,
            discontinuity: discontinuity,
            isDiscontinuous: flags & 1 != 0,
            wallTime: wall
        )
        segment.mediaTime = media
        segment.timelineStart = start
        segment.isIndependent = flags & 2 != 0
        segment.duration = try time(&reader, "segment duration")
        segment.byteCount = try byteCount(&reader)
        let count = Int(try reader.integer(as: UInt32.self))
        guard count <= partsMax else { throw CodingError.outOfRange("number of parts") }
        for _ in 0..<count {
            let duration = try time(&reader, "part duration")
            let bytes = try byteCount(&reader)
            let isIndependent = try reader.integer(as: UInt8.self) & 1 != 0
            segment.parts.append(Part(duration: duration, isIndependent: isIndependent, byteCount: bytes))
        }
        return segment
    }

    private static func container(_ reader: inout ByteReader) throws -> SegmentContainer {
        guard let container = SegmentContainer(rawValue: try reader.integer()) else {
            throw CodingError.outOfRange("container")
        }
        return container
    }

    private static func wallTime(_ reader: inout ByteReader) throws -> WallTime {
        let time = WallTime(milliseconds: try reader.integer())
        guard time.milliseconds.magnitude < 1 << 50 else { throw CodingError.outOfRange("wall time") }
        return time
    }

    private static func mediaTime(_ reader: inout ByteReader) throws -> MediaTime {
        let time = MediaTime(ticks: try reader.integer())
        guard time.isUsable else { throw CodingError.outOfRange("media time") }
        return time
    }

    private static func time(_ reader: inout ByteReader, _ field: String) throws -> MediaTime {
        let time = MediaTime(ticks: try reader.integer())
        guard (.zero...durationMax).contains(time) else { throw CodingError.outOfRange(field) }
        return time
    }

    private static func byteCount(_ reader: inout ByteReader) throws -> Int {
        let count: Int64 = try reader.integer()
        guard (0...(1 << 40)).contains(count) else { throw CodingError.outOfRange("size") }
        return Int(count)
    }
}
