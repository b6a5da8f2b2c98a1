import Bytes
package import Codecs
package import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// Takes access units out of CMAF segments, as other servers' HLS has them.
package struct FragmentDemuxer: Sendable {
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case box(Box.Failure)
        case fragment(FragmentRun.Failure)
        case codec(CodecError)
        case noTracks
        case outOfBounds

        package var description: String {
            switch self {
            case .box(let failure): failure.description
            case .fragment(let failure): failure.description
            case .codec(let error): "a sample description cannot be read: \(error)"
            case .noTracks: "the initialization section names no track of a codec that is understood"
            case .outOfBounds: "a fragment names bytes or times that cannot be"
            }
        }
    }

    private struct Source {
        var track: Track
        var timescale: Int64
        /// Of a NAL unit's length, where there is one.
        var lengthBytes: Int?
    }

    /// Thirty years: of the finest clock still within 63 bits.
    private static let secondsMax: UInt64 = 1_000_000_000

    private let sources: [UInt32: Source]
    private let defaults: [UInt32: FragmentRun.Defaults]

    /// Tracks of other codecs are left out; of each kind the first is taken.
    package init(initialization bytes: ByteBuffer) throws(Failure) {
        guard let movie = try Self.boxes(bytes).first(where: { $0.type == "moov" }) else { throw .noTracks }
        var found: [UInt32: Source] = [:]
        for trak in try Self.children(movie) where trak.type == "trak" {
            guard let (number, source) = try Self.source(trak) else { continue }
            if !found.values.contains(where: { $0.track.id == source.track.id }) { found[number] = source }
        }
        guard !found.isEmpty else { throw .noTracks }
        sources = found
        do throws(FragmentRun.Failure) { defaults = try FragmentRun.defaults(in: movie) } catch {
            throw .fragment(error)
        }
    }

    package var tracks: [Track] { sources.values.map(\.track).sorted { $0.id < $1.id } }

    /// In order of decoding.
    package func units(in segment: ByteBuffer) throws(Failure) -> [AccessUnit] {
        var units: [AccessUnit] = []
        for box in try Self.boxes(segment) where box.type == "moof" {
            let runs: [FragmentRun]
            do throws(FragmentRun.Failure) { runs = try FragmentRun.all(in: box, defaults: defaults) } catch {
                throw .fragment(error)
            }
            for run in runs { try read(run, at: segment.readerIndex + box.offset, of: segment, into: &units) }
        }
        return units.sorted { ($0.decodeTime, $0.track) < ($1.decodeTime, $1.track) }
    }

    private func read(
        _ run: FragmentRun,
        at moof: Int,
        of segment: ByteBuffer,
        into units: inout [AccessUnit]
    ) throws(Failure) {
        guard let source = sources[run.track] else { return }
        var (position, time) = (moof + run.dataOffset, run.decodeTime)
        for sample in run.samples {
            guard position >= segment.readerIndex, time / UInt64(source.timescale) < Self.secondsMax,
                let payload = segment.getSlice(at: position, length: Int(sample.size))
            else { throw .outOfBounds }
            units.append(
                AccessUnit(
                    track: source.track.id,
                    decodeTime: MediaTime(samples: Int64(time), rate: source.timescale),
                    compositionOffset: MediaTime(samples: Int64(sample.compositionOffset), rate: source.timescale),
                    isKeyframe: sample.isSync,
                    payload: try normalized(payload, source)
                )
            )
            position += Int(sample.size)
            time &+= UInt64(sample.duration)
        }
    }

    private func normalized(_ payload: ByteBuffer, _ source: Source) throws(Failure) -> ByteBuffer {
        guard let size = source.lengthBytes, size != 4 else { return payload }
        do throws(CodecError) { return try LengthPrefixedNALUnits.normalize(payload, lengthBytes: size) } catch {
            throw .codec(error)
        }
    }

    // MARK: The initialization section

    private static func boxes(_ bytes: ByteBuffer) throws(Failure) -> [Box] {
        do throws(Box.Failure) { return try Box.parse(bytes) } catch { throw .box(error) }
    }

    private static func children(_ box: Box, skipping fields: Int = 0) throws(Failure) -> [Box] {
        do throws(Box.Failure) { return try box.children(skipping: fields) } catch { throw .box(error) }
    }

    private static func source(_ trak: Box) throws(Failure) -> (UInt32, Source)? {
        guard let header = try children(trak).first(where: { $0.type == "tkhd" })?.payload,
            let media = try children(trak).first(where: { $0.type == "mdia" }),
            let clock = try children(media).first(where: { $0.type == "mdhd" })?.payload,
            let number = versioned(header, 12, 20), let timescale = versioned(clock, 12, 20), timescale > 0,
            let information = try children(media).first(where: { $0.type == "minf" }),
            let table = try children(information).first(where: { $0.type == "stbl" }),
            let descriptions = try children(table).first(where: { $0.type == "stsd" }),
            let entry = try children(descriptions, skipping: 8).first
        else { return nil }
        guard let (codec, lengthBytes) = try SampleEntryReader.read(entry) else { return nil }
        let track = Track(id: codec.kind == .video ? .video : .audio, codec: codec)
        return (number, Source(track: track, timescale: Int64(timescale), lengthBytes: lengthBytes))
    }

    /// A field whose place depends on the box's version: in version 1 times before it have 64 bits.
    private static func versioned(_ payload: ByteBuffer, _ first: Int, _ second: Int) -> UInt32? {
        guard let version = payload.getInteger(at: payload.readerIndex, as: UInt8.self) else { return nil }
        return payload.getInteger(at: payload.readerIndex + (version == 1 ? second : first), as: UInt32.self)
    }
}

/// Reads what `SampleEntry` writes (ISO/IEC 14496-12 §8.5.2).
private enum SampleEntryReader {
    /// Before the boxes of an entry, in bytes.
    private static let visualFields = 78
    private static let audioFields = 28

    /// Nil for a codec that is not understood.
    static func read(_ entry: Box) throws(FragmentDemuxer.Failure) -> (CodecParameters, lengthBytes: Int?)? {
        do throws(CodecError) {
            switch entry.type {
            case "avc1", "avc3":
                guard let record = try configuration("avcC", of: entry, visualFields) else { return nil }
                return (try .h264(avcC: record), try AVCConfiguration(parsing: record).lengthBytes)
            case "hvc1", "hev1":
                guard let record = try configuration("hvcC", of: entry, visualFields) else { return nil }
                return (try .h265(hvcC: record), try HEVCConfiguration(parsing: record).lengthBytes)
            case "av01":
                guard let record = try configuration("av1C", of: entry, visualFields) else { return nil }
                return (try .av1(av1C: record), nil)
            case "mp4a":
                guard let descriptor = try configuration("esds", of: entry, audioFields) else { return nil }
                switch decoder(descriptor) {
                case .aac(let record)?: return (try .aac(audioSpecificConfig: record), nil)
                case .mp3?: return (.mp3(sampleRate: field(24, of: entry), channels: field(16, of: entry)), nil)
                case nil: return nil
                }
            case "vp09":
                // A full box.
                guard let box = try configuration("vpcC", of: entry, visualFields),
                    let record = box.getSlice(at: box.readerIndex + 4, length: box.readableBytes - 4)
                else { return nil }
                return (.vp9(configuration: record, width: field(24, of: entry), height: field(26, of: entry)), nil)
            case "ac-3":
                guard let record = try configuration("dac3", of: entry, audioFields) else { return nil }
                let (channels, sampleRate) = (field(16, of: entry), field(24, of: entry))
                return (.ac3(configuration: record, sampleRate: sampleRate, channels: channels), nil)
            case "Opus":
                guard let box = try configuration("dOps", of: entry, audioFields), let head = opusHead(box) else {
                    return nil
                }
                return (try .opus(head: head), nil)
            default: return nil
            }
        } catch { throw .codec(error) }
    }

    private static func configuration(_ type: FourCC, of entry: Box, _ fields: Int) throws(CodecError) -> ByteBuffer? {
        (try? entry.children(skipping: fields))?.first { $0.type == type }?.payload
    }

    /// Of 16 bits; 0 where the entry is shorter.
    private static func field(_ offset: Int, of entry: Box) -> Int {
        Int(entry.payload.getInteger(at: entry.payload.readerIndex + offset, as: UInt16.self) ?? 0)
    }

    /// `dOps` (Encapsulation of Opus in ISOBMFF §4.3.2) as the header of RFC 7845 §5.1, which is little-endian.
    private static func opusHead(_ box: ByteBuffer) -> ByteBuffer? {
        var rest = box
        guard let (_, channels, preSkip, rate) = rest.readMultipleIntegers(as: (UInt8, UInt8, UInt16, UInt32).self),
            let gain = rest.readInteger(as: UInt16.self)
        else { return nil }
        var head = ByteBuffer(string: "OpusHead")
        head.writeMultipleIntegers(UInt8(1), channels)
        head.writeMultipleIntegers(preSkip, rate, gain, endianness: .little)
        // The mapping is bytes in both.
        head.writeImmutableBuffer(rest)
        return head
    }

    private enum Decoder {
        case aac(ByteBuffer)
        case mp3
    }

    /// Which one an ES descriptor names (ISO/IEC 14496-1 §7.2.6): an MPEG-4 audio decoder (object type 0x40) with its
    /// DecoderSpecificInfo (tag 5), or one of MPEG-1 audio (0x6B), which needs none.
    private static func decoder(_ esds: ByteBuffer) -> Decoder? {
        var rest = esds
        rest.moveReaderIndex(forwardBy: min(4, rest.readableBytes))
        while let tag = rest.readInteger(as: UInt8.self), let length = descriptorLength(&rest) {
            switch tag {
            case 3:
                guard let (_, flags) = rest.readMultipleIntegers(as: (UInt16, UInt8).self), flags & 0xE0 == 0 else {
                    return nil
                }
            case 4:
                let objectType = rest.readInteger(as: UInt8.self)
                if objectType == 0x6B { return .mp3 }
                guard objectType == 0x40, rest.readSlice(length: 12) != nil else { return nil }
            case 5: return rest.readSlice(length: length).map { .aac($0) }
            default: return nil
            }
        }
        return nil
    }

    private static func descriptorLength(_ bytes: inout ByteBuffer) -> Int? {
        var length = 0
        for _ in 0..<4 {
            guard let group = bytes.readInteger(as: UInt8.self) else { return nil }
            length = length << 7 | Int(group & 0x7F)
            if group & 0x80 == 0 { return length }
        }
        return nil
    }
}
