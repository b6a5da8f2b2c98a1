import Bytes
import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

extension RelayFrame {
    /// Reads a frame's payload. Slices share the storage of `payload`.
    package init(type: UInt8, payload: ByteBuffer, limits: RelayLimits) throws(RelayError) {
        guard let kind = Kind(rawValue: type) else { throw .unknownFrame(type: type) }
        var reader = ByteReader(payload)
        do {
            self = try Self.decode(kind, &reader, limits)
        } catch let error as RelayError {
            throw error
        } catch { throw .malformedFrame(type: type) }
        guard reader.isEmpty else { throw .malformedFrame(type: type) }
    }

    private static func decode(_ kind: Kind, _ reader: inout ByteReader, _ limits: RelayLimits) throws -> RelayFrame {
        switch kind {
        case .hello: return .hello(try RelayHello(decoding: &reader, limits: limits))
        case .objectRequest:
            return .objectRequest(id: try reader.integer(), name: try reader.text(max: limits.nameBytesMax))
        case .objectInterest: return .objectInterest(try reader.flag())
        case .bye: return .bye
        case .keyframeRequest: return .keyframeRequest
        case .keepAlive: return .keepAlive
        case .accept: return .accept(try RelayAccept(decoding: &reader, limits: limits))
        case .refuse: return .refuse(try RelayRefusal(decoding: &reader, limits: limits))
        case .tracks: return .item(.tracks(try reader.tracks(limits)))
        case .unit: return .item(.unit(try reader.accessUnit()))
        case .cut: return .item(.cut(try CutMark(decoding: &reader)))
        case .state:
            guard let state = RelayState(rawValue: try reader.integer()) else { throw ByteReader.Underflow() }
            return .state(state)
        case .path: return .path(try reader.hops(limits))
        case .rungsGivenUp: return .rungsGivenUp(try reader.rungs(limits))
        case .objectData:
            return .objectData(id: try reader.integer(), isLast: try reader.flag(), bytes: reader.rest())
        case .objectMissing: return .objectMissing(id: try reader.integer())
        case .end: return .end(try EndReason(decoding: &reader))
        case .gap: return .gap
        }
    }
}

extension RelayHello {
    init(decoding reader: inout ByteReader, limits: RelayLimits) throws {
        guard try reader.integer(as: UInt32.self) == Self.magic else { throw RelayError.notARelay }
        let version: UInt16 = try reader.integer()
        let packager: UInt16 = try reader.integer()
        // What follows in another version is not known; only the number matters, for the refusal.
        guard version == Self.protocolVersion else {
            self.init(app: "", id: "", child: "", ticket: "", haveEpoch: nil)
            (protocolVersion, packagerVersion) = (version, packager)
            _ = reader.rest()
            return
        }
        self.init(
            app: try reader.text(max: limits.nameBytesMax),
            id: try reader.text(max: limits.nameBytesMax),
            child: try reader.text(max: limits.nameBytesMax),
            ticket: try reader.text(max: limits.ticketBytesMax),
            haveEpoch: nil
        )
        let epoch: Int64 = try reader.integer()
        haveEpoch = epoch > 0 ? Epoch(epoch) : nil
        let trackCount = Int(try reader.integer(as: UInt8.self))
        guard trackCount <= limits.tracksMax else { throw RelayError.tooManyTracks(limit: limits.tracksMax) }
        for _ in 0..<trackCount { tracks.append(TrackID(try reader.integer())) }
        packagerVersion = packager
    }
}

extension RelayAccept {
    init(decoding reader: inout ByteReader, limits: RelayLimits) throws {
        let packager: UInt16 = try reader.integer()
        let epoch: Int64 = try reader.integer()
        guard let state = RelayState(rawValue: try reader.integer()) else { throw ByteReader.Underflow() }
        let hops = try reader.hops(limits)
        let tracks = try reader.tracks(limits)
        self.init(epoch: Epoch(epoch), hops: hops, state: state, tracks: tracks)
        packagerVersion = packager
    }
}

extension RelayRefusal {
    init(decoding reader: inout ByteReader, limits: RelayLimits) throws {
        // A code of a later version is still a refusal.
        code = Code(rawValue: try reader.integer()) ?? .unavailable
        detail = try reader.text(max: limits.detailBytesMax)
    }
}

extension CutMark {
    init(decoding reader: inout ByteReader) throws {
        let sequence = try reader.sequence()
        let part: UInt32 = try reader.integer()
        let discontinuity = try reader.sequence()
        let isDiscontinuous = try reader.flag()
        let time = try reader.mediaTime()
        let wall: Int64 = try reader.integer()
        guard wall.magnitude < RelayFrame.numberMax else { throw ByteReader.Underflow() }
        self.init(
            sequence: sequence,
            part: part,
            discontinuity: discontinuity,
            isDiscontinuous: isDiscontinuous,
            mediaTime: time,
            wallTime: WallTime(milliseconds: wall),
            oldestSequence: try reader.sequence()
        )
    }
}

extension EndReason {
    init(decoding reader: inout ByteReader) throws {
        switch try reader.integer(as: UInt8.self) {
        case 1: self = .unpublished
        case 2: self = .publisherLost
        case 3: self = .fenced(Epoch(try reader.integer()))
        case 4: self = .draining
        case 5: self = .removed
        default: throw ByteReader.Underflow()
        }
    }
}

extension ByteReader {
    fileprivate mutating func flag() throws(Underflow) -> Bool { try integer(as: UInt8.self) & 1 == 1 }

    fileprivate mutating func text(max: Int) throws -> String {
        let count = Int(try integer(as: UInt16.self))
        guard count <= max else { throw RelayError.textTooLong(bytes: count, limit: max) }
        return try string(count)
    }

    /// Count (u8), then the nodes' names.
    fileprivate mutating func hops(_ limits: RelayLimits) throws -> [String] {
        let count = Int(try integer(as: UInt8.self))
        guard count <= limits.hopsMax else { throw RelayError.tooManyHops(limit: limits.hopsMax) }
        return try names(count, limits)
    }

    fileprivate mutating func rungs(_ limits: RelayLimits) throws -> [String] {
        let count = Int(try integer(as: UInt8.self))
        guard count <= limits.rungsMax else { throw RelayError.tooManyRungs(limit: limits.rungsMax) }
        return try names(count, limits)
    }

    private mutating func names(_ count: Int, _ limits: RelayLimits) throws -> [String] {
        var names: [String] = []
        for _ in 0..<count { names.append(try text(max: limits.nameBytesMax)) }
        return names
    }

    fileprivate mutating func mediaTime() throws(Underflow) -> MediaTime {
        let ticks: Int64 = try integer()
        guard ticks.magnitude < RelayFrame.numberMax else { throw Underflow() }
        return MediaTime(ticks: ticks)
    }

    fileprivate mutating func sequence() throws(Underflow) -> UInt64 {
        let number: UInt64 = try integer()
        guard number < RelayFrame.numberMax else { throw Underflow() }
        return number
    }

    fileprivate mutating func accessUnit() throws -> AccessUnit {
        let track: UInt8 = try integer()
        let flags = UnitFlags(rawValue: try integer())
        let time = try mediaTime()
        let offset: Int32 = try integer()
        let captureTime = try captureTime(flags)
        return AccessUnit(
            track: TrackID(track),
            decodeTime: time,
            compositionOffset: MediaTime(ticks: Int64(offset)),
            isKeyframe: flags.contains(.keyframe),
            payload: rest(),
            captureTime: captureTime
        )
    }

    private mutating func captureTime(_ flags: UnitFlags) throws(Underflow) -> AbsoluteCaptureTime? {
        guard flags.contains(.captureTime) else { return nil }
        let time = NTPTime(try integer())
        return AbsoluteCaptureTime(time: time, clockOffset: flags.contains(.clockOffset) ? try integer() : nil)
    }

    /// - Parameter areLayers: which have none themselves.
    fileprivate mutating func tracks(_ limits: RelayLimits, areLayers: Bool = false) throws -> [Track] {
        let count = Int(try integer(as: UInt8.self))
        guard count <= limits.tracksMax else { throw RelayError.tooManyTracks(limit: limits.tracksMax) }
        var tracks: [Track] = []
        for _ in 0..<count {
            let id: UInt8 = try integer()
            let mark: UInt8 = try integer()
            let code = areLayers ? mark : mark & ~RelayCodec.layersFollow
            let first = Int(try integer(as: UInt32.self))
            let second = Int(try integer(as: UInt32.self))
            let configuration = try slice(Int(try integer(as: UInt32.self)))
            guard let codec = RelayCodec(rawValue: code) else { throw RelayError.unknownCodec(code) }
            // Times of sound are divided by its rate; 2²⁴ is the most that AAC can write.
            guard !codec.hasSampleRate || (1..<1 << 24).contains(first) else { throw Underflow() }
            var track = Track(id: TrackID(id), codec: codec.parameters(first, second, configuration))
            if mark != code { track.layers = try self.tracks(limits, areLayers: true) }
            tracks.append(track)
        }
        guard Set(tracks.map(\.id)).count == tracks.count else { throw RelayError.duplicateTrack }
        return tracks
    }
}

extension RelayFrame {
    /// Times and sequence numbers stay below, so that no sum or scaling of them overflows: 49 years of ticks.
    fileprivate static let numberMax: UInt64 = 1 << 47
}

extension RelayCodec {
    fileprivate var hasSampleRate: Bool {
        switch self {
        case .aac, .mp3, .ac3: true
        case .h264, .h265, .av1, .vp8, .vp9, .opus, .data: false
        }
    }

    fileprivate func parameters(_ first: Int, _ second: Int, _ configuration: ByteBuffer) -> CodecParameters {
        switch self {
        case .h264: .h264(configuration: configuration, width: first, height: second)
        case .h265: .h265(configuration: configuration, width: first, height: second)
        case .av1: .av1(configuration: configuration, width: first, height: second)
        case .vp8: .vp8(width: first, height: second)
        case .vp9: .vp9(configuration: configuration, width: first, height: second)
        case .aac: .aac(configuration: configuration, sampleRate: first, channels: second)
        case .mp3: .mp3(sampleRate: first, channels: second)
        case .ac3: .ac3(configuration: configuration, sampleRate: first, channels: second)
        case .opus: .opus(configuration: configuration, channels: second)
        case .data: .data
        }
    }
}
