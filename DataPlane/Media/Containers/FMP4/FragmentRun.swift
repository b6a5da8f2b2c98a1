package import Bytes

import struct NIOCore.ByteBuffer

/// The samples of one track in one movie fragment, read back (ISO/IEC 14496-12 §8.8). Their bytes lie elsewhere.
package struct FragmentRun: Hashable, Sendable {
    package struct Sample: Hashable, Sendable {
        package var duration: UInt32
        package var size: UInt32
        package var isSync: Bool
        package var compositionOffset: Int32
    }

    /// What samples have that say nothing of their own (`trex`, then `tfhd`).
    package struct Defaults: Hashable, Sendable {
        package var duration: UInt32 = 0
        package var size: UInt32 = 0
        package var flags: UInt32 = 0

        package init() {}
    }

    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case box(Box.Failure)
        case truncated(FourCC)
        case tooManySamples(Int)

        package var description: String {
            switch self {
            case .box(let failure): failure.description
            case .truncated(let type): "box '\(type)' ends before its fields do; the file was damaged"
            case .tooManySamples(let count): "a fragment claims \(count) samples, more than any of a live stream has"
            }
        }
    }

    package let track: UInt32
    /// `baseMediaDecodeTime`, in the track's timescale.
    package let decodeTime: UInt64
    /// From the first byte of `moof` to the first sample's.
    package let dataOffset: Int
    package let samples: [Sample]

    package var byteCount: Int { samples.reduce(0) { $0 + Int($1.size) } }

    /// An hour of sound in one fragment has fewer.
    private static let samplesMax = 400_000

    /// All runs of a `moof`, in the order of the file. `defaults` are the tracks' own, by number.
    package static func all(in moof: Box, defaults: [UInt32: Defaults] = [:]) throws(Failure) -> [FragmentRun] {
        var runs: [FragmentRun] = []
        for fragment in try children(moof) where fragment.type == "traf" {
            try read(fragment, defaults, into: &runs)
        }
        return runs
    }

    /// The defaults of a movie's tracks (`mvex`).
    package static func defaults(in movie: Box) throws(Failure) -> [UInt32: Defaults] {
        var found: [UInt32: Defaults] = [:]
        for extends in try children(movie) where extends.type == "mvex" {
            for box in try children(extends) where box.type == "trex" {
                var fields = box.payload
                guard
                    let (_, track, _, duration, size, flags) = fields.readMultipleIntegers(
                        as: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32).self
                    )
                else { throw .truncated("trex") }
                found[track] = Defaults(duration: duration, size: size, flags: flags)
            }
        }
        return found
    }

    private static func children(_ box: Box) throws(Failure) -> [Box] {
        do throws(Box.Failure) { return try box.children() } catch { throw .box(error) }
    }

    private static func read(
        _ fragment: Box,
        _ defaults: [UInt32: Defaults],
        into runs: inout [FragmentRun]
    ) throws(Failure) {
        var header: TrackFragmentHeader?
        var time: UInt64 = 0
        // A run without an offset follows the one before it.
        var dataEnd = 0
        for box in try children(fragment) {
            var fields = box.payload
            switch box.type {
            case "tfhd": header = try TrackFragmentHeader(&fields, defaults)
            case "tfdt": time = try decodeTime(&fields)
            case "trun":
                guard let header else { throw .truncated("tfhd") }
                let run = try FragmentRun(&fields, header, at: time, after: dataEnd)
                dataEnd = run.dataOffset + run.byteCount
                time &+= run.samples.reduce(0) { $0 &+ UInt64($1.duration) }
                runs.append(run)
            default: break
            }
        }
    }

    private static func decodeTime(_ fields: inout ByteBuffer) throws(Failure) -> UInt64 {
        guard let version = fields.readInteger(as: UInt32.self) else { throw .truncated("tfdt") }
        let time =
            version >> 24 == 1
            ? fields.readInteger(as: UInt64.self) : fields.readInteger(as: UInt32.self).map(UInt64.init)
        guard let time else { throw .truncated("tfdt") }
        return time
    }

    /// `trun` (§8.8.8).
    private init(
        _ fields: inout ByteBuffer,
        _ header: TrackFragmentHeader,
        at time: UInt64,
        after dataEnd: Int
    ) throws(Failure) {
        guard let (flags, count) = fields.readMultipleIntegers(as: (UInt32, UInt32).self) else {
            throw .truncated("trun")
        }
        guard count <= Self.samplesMax else { throw .tooManySamples(Int(count)) }
        func field<Value: FixedWidthInteger>(_ flag: UInt32, else value: Value) throws(Failure) -> Value {
            guard flags & flag != 0 else { return value }
            guard let read = fields.readInteger(as: Value.self) else { throw .truncated("trun") }
            return read
        }
        track = header.track
        decodeTime = time
        dataOffset = header.base + Int(try field(0x01, else: Int32(clamping: dataEnd - header.base)))
        let firstFlags = try field(0x04, else: header.defaults.flags)
        var samples: [Sample] = []
        for index in 0..<count {
            let duration = try field(0x0100, else: header.defaults.duration)
            let size = try field(0x0200, else: header.defaults.size)
            let own = try field(0x0400, else: index == 0 ? firstFlags : header.defaults.flags)
            let offset = try field(0x0800, else: Int32(0))
            // sample_is_non_sync_sample (§8.8.3.1)
            let isSync = own & 0x0001_0000 == 0
            samples.append(Sample(duration: duration, size: size, isSync: isSync, compositionOffset: offset))
        }
        self.samples = samples
    }
}

/// `tfhd` (§8.8.7).
private struct TrackFragmentHeader {
    var track: UInt32
    /// Where data offsets count from, seen from the first byte of `moof`; other files' absolute offsets are not followed.
    var base = 0
    var defaults: FragmentRun.Defaults

    init(_ fields: inout ByteBuffer, _ tracks: [UInt32: FragmentRun.Defaults]) throws(FragmentRun.Failure) {
        guard let (flags, track) = fields.readMultipleIntegers(as: (UInt32, UInt32).self) else {
            throw .truncated("tfhd")
        }
        self.track = track
        defaults = tracks[track] ?? FragmentRun.Defaults()
        if flags & 0x01 != 0, fields.readInteger(as: UInt64.self) == nil { throw .truncated("tfhd") }
        func field(_ flag: UInt32, else value: UInt32) throws(FragmentRun.Failure) -> UInt32 {
            guard flags & flag != 0 else { return value }
            guard let read = fields.readInteger(as: UInt32.self) else { throw .truncated("tfhd") }
            return read
        }
        _ = try field(0x02, else: 0)
        defaults.duration = try field(0x08, else: defaults.duration)
        defaults.size = try field(0x10, else: defaults.size)
        defaults.flags = try field(0x20, else: defaults.flags)
    }
}

extension FragmentRun.Defaults {
    fileprivate init(duration: UInt32, size: UInt32, flags: UInt32) {
        (self.duration, self.size, self.flags) = (duration, size, flags)
    }
}
